/** A part of the page with its heading. */
import type { ComponentChildren } from 'preact'

export interface CardProps {
  /** Names the part for the style sheet and for links to it. */
  readonly id: string
  readonly title: string
  /** Beside the heading. */
  readonly extra?: ComponentChildren
  readonly children: ComponentChildren
}

export const Card = ({ id, title, extra, children }: CardProps) => (
  <section class="card" id={id} aria-labelledby={`${id}-title`}>
    <header>
      <h2 id={`${id}-title`}>{title}</h2>
      {extra}
    </header>
    {children}
  </section>
)
