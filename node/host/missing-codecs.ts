/** Which codecs a build of ffmpeg cannot encode: for who looks at a machine and may not look into `media/`. */
export { missingCodecs } from '../../media/codecs/codecs.ts'
