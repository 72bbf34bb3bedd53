/**
 * The command line. One file per verb; a verb's code is loaded when it is called, so that `--help` is instant.
 * Exit codes: 0 done · 1 failed (one-line error on stderr) · 2 wrong usage, configuration or input ·
 * 3 no node or ledger answers · 130 interrupted.
 */
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { Command, CommanderError } from 'commander'
import { cacheDir } from '../node/host/cache-dir.ts'
import { VERSION } from '../node/version.ts'
import { argumentsOf } from './arguments.ts'
import { exitCodeOf, printError } from './output.ts'
import { ALL, addVerbs } from './verbs.ts'

// Compiling is half the CPU time of a start. bin/reelmesh has named the same folder before, so that this file is in it too.
enableCompileCache(join(cacheDir(), 'compiled'))

const program = new Command('reelmesh')
  .description(
    'Video transcoding on every machine you own: 480p, 720p and 1080p MP4 from any video, by a mesh that heals itself.',
  )
  .version(VERSION)
  .showHelpAfterError('(reelmesh --help lists every verb)')
  .configureHelp({ sortSubcommands: false, showGlobalOptions: false })
  .exitOverride()
  .addHelpText(
    'after',
    `
Examples:
  reelmesh run film.mp4                     this host only, results in videos/outputs/<rendition>/film.mp4
  reelmesh run *.mov --renditions 720p      several files, one rendition
  reelmesh run film.mp4 --ladder web        one of the built-in ladders, or a file of your own
  reelmesh node --ledger mongodb://…        a peer of a mesh of many hosts
  reelmesh submit film.mp4 --wait --out .   give a film to the local node and wait for the results
  reelmesh status --watch                   peers, videos, events

Every option can also be a variable (REELMESH_DATA_DIR for --data-dir) or a line in reelmesh.yaml (data_dir: …);
flags win over variables, variables over the file.

Exit codes: 0 done, 1 something failed, 2 wrong usage or input, 3 no node or ledger answers, 130 interrupted.`,
  )

const argv = argumentsOf(process.argv)
const verb = argv.slice(2).find((argument) => !argument.startsWith('-'))
// `reelmesh help run` shows the options of a verb as well.
await addVerbs(program, verb === 'help' ? ALL : verb)
for (const command of program.commands)
  command.exitOverride().showHelpAfterError(`(reelmesh ${command.name()} --help says more)`)

// `reelmesh videos | head` closes the pipe early: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
})
try {
  if (argv.length <= 2) program.help()
  await program.parseAsync(argv)
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else {
    printError(error)
    process.exitCode = exitCodeOf(error)
  }
}
// All parts have stopped; timers of libp2p would keep the process running for another 5 s.
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((resolve) => stream.write('', resolve))))
process.exit()
