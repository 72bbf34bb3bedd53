/** The codecs that a build of ffmpeg cannot encode, for the command line, which may not import `media/`. */
export { missingCodecs } from '../../media/codecs/codecs.ts'
