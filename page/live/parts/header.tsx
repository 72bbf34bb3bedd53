/** The head of the page: what mesh it is, how it is, and whether the node answers. */
import { useEffect, useState } from 'preact/hooks'
import { connection, heardAt, isOtherTokenWanted, peers, status, useToken } from '../state.ts'
import { countText, timeText } from '../words.ts'
import { findOtherNode } from './other-node.ts'
import { SubmitButton } from './submit.tsx'

export const Header = () => (
  <header class="top">
    <h1>
      <svg class="logo" viewBox="0 0 24 24" aria-hidden="true">
        <path d="M12 4 4.5 17h15ZM12 4v8m0 0-7.5 5m7.5-5 7.5 5" />
        <circle cx="12" cy="4" r="2.6" />
        <circle cx="4.5" cy="17" r="2.6" />
        <circle cx="19.5" cy="17" r="2.6" />
        <circle cx="12" cy="12" r="2" />
      </svg>
      Reelmesh
    </h1>
    <p class="sum">{sumText()}</p>
    <Dot />
    <SubmitButton />
  </header>
)

function sumText(): string {
  const { leader, version } = status.value ?? {}
  if (version === undefined) return ''
  return [
    countText(peers.value.length, 'peer'),
    leader ? `${leader.name} leads, term ${leader.term}` : 'no leader',
  ].join(' · ')
}

const CONNECTION_WORDS = {
  connecting: 'connecting',
  connected: 'live',
  lost: 'node lost',
  token: 'token needed',
} as const

const Dot = () => (
  <p class={`connection ${connection.value}`} role="status">
    {CONNECTION_WORDS[connection.value]}
  </p>
)

/** What stands in the way, and what to do about it. */
export function Notices() {
  const ledger = status.value?.ledger.text
  return (
    <div class="notices">
      {connection.value === 'lost' && <Lost />}
      {(connection.value === 'token' || isOtherTokenWanted.value) && <TokenForm />}
      {connection.value === 'connected' && ledger && <p class="notice">{ledger}</p>}
      {connection.value === 'connected' &&
        status.value?.problems.map(({ text }) => (
          <p class="notice" key={text}>
            {text}
          </p>
        ))}
    </div>
  )
}

function Lost() {
  const [other, setOther] = useState<string | null>(null)
  useEffect(() => {
    const ended = new AbortController()
    void findOtherNode(peers.value, ended.signal).then(setOther)
    return () => ended.abort()
  }, [])
  useEffect(() => {
    if (other) location.assign(`${other}/${location.hash}`)
  }, [other])
  return (
    <p class="notice bad" role="alert">
      {location.host} has not answered since {timeText(heardAt.value)}; what is below is from then.{' '}
      {other
        ? `This page goes to ${new URL(other).host}, another node of the mesh.`
        : 'It is asked again every second.'}
    </p>
  )
}

function TokenForm() {
  const [text, setText] = useState('')
  return (
    <form
      class="notice"
      onSubmit={(event) => {
        event.preventDefault()
        useToken(text.trim())
      }}
    >
      <label>
        {isOtherTokenWanted.value ? 'A token to operate with' : 'This node asks for a token'}{' '}
        <input
          type="password"
          autocomplete="off"
          required
          value={text}
          onInput={(e) => setText(e.currentTarget.value)}
        />
      </label>
      <button type="submit">Use it</button>
      <span class="note">
        It stays in this tab. A token to view with shows all; one to operate with may change it too.
      </span>
    </form>
  )
}
