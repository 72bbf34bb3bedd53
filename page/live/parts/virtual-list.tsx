/** A list of which only the visible rows are elements, by TanStack Virtual: thousands of rows cost as much as twenty. */
import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualizerOptions,
} from '@tanstack/virtual-core'
import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks'

export interface VirtualListProps<Item> {
  /** What is in it, for screen readers. */
  readonly label: string
  readonly items: readonly Item[]
  /** About how high a row is, pixels: it is measured once it is shown. */
  readonly rowHeight: number
  keyOf(item: Item): string
  readonly children: (item: Item) => ComponentChildren
}

export function VirtualList<Item>({ label, items, rowHeight, keyOf, children }: VirtualListProps<Item>) {
  const scroller = useRef<HTMLElement>(null)
  const [, render] = useReducer((count: number, _: undefined) => count + 1, 0)
  const options: VirtualizerOptions<HTMLElement, HTMLLIElement> = {
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: (index) => keyOf(items[index]!),
    overscan: 5,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    onChange: () => render(undefined),
  }
  const [virtual] = useState(() => new Virtualizer(options))
  virtual.setOptions(options)
  useLayoutEffect(() => virtual._didMount(), [])
  useLayoutEffect(() => virtual._willUpdate())
  const height = `${virtual.getTotalSize()}px`
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
    <section class="scroller" ref={scroller} tabIndex={0} aria-label={label} style={{ height }}>
      <ul style={{ height }}>
        {virtual.getVirtualItems().map(({ index, key, start }) => (
          <li
            key={key}
            ref={(element) => virtual.measureElement(element)}
            data-index={index}
            aria-setsize={items.length}
            aria-posinset={index + 1}
            style={{ transform: `translateY(${start}px)` }}
          >
            {children(items[index]!)}
          </li>
        ))}
      </ul>
    </section>
  )
}
