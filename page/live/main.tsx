/** Starts the live page. */
import { render } from 'preact'
import { App } from './app.tsx'
import { takeDrops } from './parts/submit.tsx'
import { startFeed } from './state.ts'
import './style.css'

startFeed()
takeDrops()
render(<App />, document.body)
