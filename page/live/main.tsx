/** Starts the live page. */
import { render } from 'preact'
import { App } from './app.tsx'
import { startFeed } from './state.ts'
import './style.css'

startFeed()
render(<App />, document.body)
