/** What the last request of the person came to, for a while. */
import { useEffect } from 'preact/hooks'
import { outcome } from '../api.ts'

const SHOWN_MS = 8_000

export function Outcome() {
  const last = outcome.value
  useEffect(() => {
    const timer = setTimeout(() => (outcome.value = null), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [last])
  return (
    <div class={`outcome ${last?.isBad ? 'bad' : ''}`} role="status">
      {last && (
        <>
          <span>{last.text}</span>
          <button type="button" onClick={() => (outcome.value = null)}>
            Close
          </button>
        </>
      )}
    </div>
  )
}
