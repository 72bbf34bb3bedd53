/** The live page: its parts, in the order in which they are read. */
import { Questions } from './parts/dialog.tsx'
import { Engines } from './parts/engines.tsx'
import { Events } from './parts/events.tsx'
import { Header, Notices } from './parts/header.tsx'
import { MeshPicture } from './parts/mesh-picture.tsx'
import { Outcome } from './parts/outcome.tsx'
import { PeerList } from './parts/peer-list.tsx'
import { Plots } from './parts/plots.tsx'
import { SubmitDialog } from './parts/submit.tsx'
import { UploadList } from './parts/upload-list.tsx'
import { VideoDetail } from './parts/video-detail.tsx'
import { Videos } from './parts/videos.tsx'

export const App = () => (
  <>
    <Header />
    <main>
      <Notices />
      <UploadList />
      <MeshPicture />
      <Events />
      <Videos />
      <VideoDetail />
      <Plots />
      <PeerList />
      <Engines />
    </main>
    <Outcome />
    <Questions />
    <SubmitDialog />
  </>
)
