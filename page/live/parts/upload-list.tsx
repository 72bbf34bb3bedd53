/** The uploads that run. */
import { uploads } from '../uploads.ts'
import { bytesText, percentText } from '../words.ts'
import { Bar } from './videos.tsx'

export const UploadList = () => (
  <>
    {uploads.value.map(({ number, name, bytes, sent, stop }) => (
      <div class="notice upload" key={number}>
        <strong>{name}</strong>
        <span class="note">
          {' '}
          {percentText(sent / Math.max(bytes, 1))} of {bytesText(bytes)} uploaded
        </span>
        <Bar share={sent / Math.max(bytes, 1)} />
        <button type="button" aria-label={`Give up the upload of ${name}`} onClick={stop}>
          Give up
        </button>
      </div>
    ))}
  </>
)
