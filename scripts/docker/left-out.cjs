/** Stands in the bundle for what dockerode loads and the launcher never uses: engines over SSH, builds with credentials. */
module.exports = {}
