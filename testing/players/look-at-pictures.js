/* In a page that plays: keeps pictures that are shown, each with its own time, small and grey, for `readBarcode`. A plain script. */
const [EVERY_MS, WIDTH, HEIGHT] = [400, 64, 48]
window.seen = []
setInterval(() => {
  const video = document.querySelector('video')
  if (!video || video.readyState < 2) return
  // A frame has its picture and its time at once.
  const frame = new VideoFrame(video)
  const context = new OffscreenCanvas(WIDTH, HEIGHT).getContext('2d')
  context.drawImage(frame, 0, 0, WIDTH, HEIGHT)
  const { data } = context.getImageData(0, 0, WIDTH, HEIGHT)
  window.seen.push({
    time: frame.timestamp / 1e6,
    grey: Array.from({ length: WIDTH * HEIGHT }, (_, at) => data[4 * at]),
  })
  frame.close()
}, EVERY_MS)
