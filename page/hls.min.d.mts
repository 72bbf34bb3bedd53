/** The file of the library that pages load has the types of its package. */
export { default } from 'hls.js'
