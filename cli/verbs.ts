/**
 * The verbs, as `reelmesh --help` lists them. What a verb does, with its options, is loaded when it is named: all of them together take longer to load
 * than most take to run.
 */
import type { Command } from 'commander'

interface Verb {
  readonly name: string
  /** Its options and arguments, as the list of verbs shows them. */
  readonly usage: string
  readonly description: string
  /** Adds it to a program, with its options and what it does. */
  load(): Promise<(program: Command) => void>
}

const peerVerb = (name: 'pause' | 'resume' | 'drain') => async () => {
  const { addPeerVerb } = await import('./peers.ts')
  return (program: Command) => addPeerVerb(program, name)
}

/** All verbs, in the order of the help. */
export const VERBS: readonly Verb[] = [
  {
    name: 'run',
    usage: '[options] <file...>',
    description: 'encode files on this machine: nothing else is needed',
    load: async () => (await import('./run.ts')).addRun,
  },
  {
    name: 'node',
    usage: '[options]',
    description: 'run a peer: it encodes, and may coordinate, until it is stopped',
    load: async () => (await import('./node.ts')).addNode,
  },
  {
    name: 'submit',
    usage: '[options] <file...>',
    description: 'submit files to the node on this machine',
    load: async () => (await import('./submit.ts')).addSubmit,
  },
  {
    name: 'ladders',
    usage: '[options] [name]',
    description: 'list what videos can be made into: built-in ladders and those of the configuration',
    load: async () => (await import('./ladders.ts')).addLadders,
  },
  {
    name: 'ladder',
    usage: '[options] <check> <ladder>',
    description: 'check a ladder, by name or as a file: who can encode it, and what it costs',
    load: async () => (await import('./ladder-check.ts')).addLadder,
  },
  {
    name: 'status',
    usage: '[options]',
    description: 'show peers, videos and recent events',
    load: async () => (await import('./status.ts')).addStatus,
  },
  {
    name: 'videos',
    usage: '[options] [video]',
    description: 'list videos, newest last, or show one with its renditions as they are made',
    load: async () => (await import('./videos.ts')).addVideos,
  },
  {
    name: 'cancel',
    usage: '[options] <video>',
    description: 'stop work on a video; its blobs stay a day for a retry',
    load: async () => (await import('./videos.ts')).addCancel,
  },
  {
    name: 'retry',
    usage: '[options] <video>',
    description: 'take up a failed or cancelled video again',
    load: async () => (await import('./videos.ts')).addRetry,
  },
  {
    name: 'priority',
    usage: '[options] <video> <number>',
    description: 'let a video go before (higher) or after (lower) the others',
    load: async () => (await import('./videos.ts')).addPriority,
  },
  {
    name: 'deadline',
    usage: '[options] <video> [time]',
    description: 'set, change or clear when a video is wanted',
    load: async () => (await import('./deadline.ts')).addDeadline,
  },
  {
    name: 'webhooks',
    usage: '[options] [resend] [id]',
    description: 'list webhook deliveries, those of the newest events first, or send one again',
    load: async () => (await import('./webhooks.ts')).addWebhooks,
  },
  {
    name: 'pause',
    usage: '[options] <peer>',
    description: 'stop a peer from claiming tasks: it releases those that it runs and stays in the mesh',
    load: peerVerb('pause'),
  },
  {
    name: 'resume',
    usage: '[options] <peer>',
    description: 'let a paused or quarantined peer claim tasks again',
    load: peerVerb('resume'),
  },
  {
    name: 'drain',
    usage: '[options] <peer>',
    description: 'let a peer finish what it runs, then leave the mesh and exit',
    load: peerVerb('drain'),
  },
  {
    name: 'doctor',
    usage: '[options]',
    description: 'check this machine: ffmpeg, ledger, mesh key, ports, disk, clock, shared folders',
    load: async () => (await import('./doctor.ts')).addDoctor,
  },
  {
    name: 'keygen',
    usage: '[file]',
    description: 'make a mesh key: copy the file to every machine and give it as --swarm-key',
    load: async () => (await import('./keygen.ts')).addKeygen,
  },
]

/** As the name of all verbs. */
export const ALL = Symbol('all verbs')

/** Adds the verbs to a program: the one that is `named` with all that belongs to it (`ALL`: each), the others as lines of the help. */
export async function addVerbs(program: Command, named: string | typeof ALL | undefined): Promise<void> {
  for (const { name, usage, description, load } of VERBS) {
    if (named === ALL || named === name) (await load())(program)
    else addLine(program, `${name} ${usage}`)
    program.commands.at(-1)?.description(description)
  }
}

function addLine(program: Command, line: string): void {
  const command = program.command(line.replace(' [options]', ''))
  // The list shows whether a verb has any.
  if (line.includes(' [options]')) command.option('--help-of-verb')
}
