/**
 * The options that every command on a user's file begins with. A playlist, manifest or concat script named `.mp4` makes
 * ffmpeg open what it names; `-protocol_whitelist file` alone does not stop that (the files *are* local), a whitelist of
 * real containers does (measured with HLS, ffconcat and DASH on 5.1, 8.1 and 9.0).
 */

const CONTAINERS = [
  'mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,avi,flv,live_flv,asf,ogg,mxf,wav,mp3,aac,flac,dv,gxf,rm,nut',
  'wtv,nsv,nuv,dhav,pva,ty,swf,smjpeg,mpjpeg,film_cpk,roq,smk,bink,flic,yuv4mpegpipe,filmstrip,ser',
  // Pictures that move; still ones are refused when their frames have been counted.
  'gif,apng,mjpeg,jpeg_pipe',
  'h264,hevc,mpegvideo,m4v,h261,h263,vc1,dirac,dnxhd,cavsvideo,avs2,avs3,vvc,evc,av1,obu,ivf',
].join(',')

/** Input options: they stand before the `-i` they guard. */
export const SAFE: readonly string[] = ['-protocol_whitelist', 'file', '-format_whitelist', CONTAINERS]

/** The same for a list of our own MP4 files, which ffmpeg's concat demuxer opens by their names. */
export const SAFE_LIST: readonly string[] = ['-protocol_whitelist', 'file', '-format_whitelist', 'concat,mov']

/** `file:` keeps a leading dash, a colon and a `%d` in a name what they are. */
export const fileUrl = (path: string): string => `file:${path}`

/** The first arguments of every ffmpeg command. */
export const QUIET: readonly string[] = ['-nostdin', '-hide_banner', '-v', 'warning', '-y']

/** Counters on stdout, twice a second: for the stall watch and for progress reports. */
export const PROGRESS: readonly string[] = ['-progress', 'pipe:1', '-nostats']

/** A damaged track is decoded as far as it goes: ffmpeg fails where two thirds of the frames do. Stands before every output. */
export const DAMAGE_ALLOWED: readonly string[] = ['-max_error_rate', '1']
