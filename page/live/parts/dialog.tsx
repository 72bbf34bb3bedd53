/** A dialog of the browser's own: it has the focus while it is open, Escape closes it. */
import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

/** What a person is asked before something is done. */
export interface Question {
  readonly title: string
  /** What it costs, and what stays. */
  readonly text: string
  /** On the button that does it. */
  readonly act: string
  run(): void
}

const question = signal<Question | null>(null)

/** Asks; does it when the person agrees. */
export function confirmThat(asked: Question): void {
  question.value = asked
}

/** The place of questions: once in the page. */
export function Questions() {
  const asked = question.value
  if (!asked) return null
  const close = () => {
    question.value = null
  }
  return (
    <Dialog title={asked.title} close={close}>
      <p>{asked.text}</p>
      <p class="buttons">
        <button type="button" onClick={close}>
          Leave it as it is
        </button>
        <button
          type="button"
          class="main"
          onClick={() => {
            close()
            asked.run()
          }}
        >
          {asked.act}
        </button>
      </p>
    </Dialog>
  )
}

interface DialogProps {
  readonly title: string
  close(): void
  readonly children: ComponentChildren
}

export function Dialog({ title, close, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={close}>
      <h2 id="dialog-title">{title}</h2>
      {children}
    </dialog>
  )
}
