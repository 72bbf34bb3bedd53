/**
 * All of Reelmesh and what it needs as one file and the parts that it loads when they are needed: what the npm package ships, and what tests of many
 * processes start (it starts in 0.1 s, takes 40 MB less than the sources, and does not change while they run).
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { build, type Metafile, type Plugin } from 'esbuild'
import { builtPage } from '../node/http/page-build.ts'
import { PAGE_FILES, readPageFile } from '../node/http/page-files.ts'

const ROOT = join(import.meta.dirname, '..')

/**
 * What packages ask for and do without, because it needs native code: encryption, compression and logins of the MongoDB
 * driver, and the speed of ssh2's ciphers.
 */
const OPTIONAL = [
  '@aws-sdk/credential-providers',
  '@mongodb-js/zstd',
  'cpu-features',
  'gcp-metadata',
  'kerberos',
  'mongodb-client-encryption',
  'snappy',
  'socks',
]

/** What dockerode loads and the launcher never uses (engines over SSH, builds of images): 2 MB, and native code. */
const LEFT_OUT = ['ssh2', '@grpc/grpc-js', '@grpc/proto-loader', 'protobufjs']
const NOTHING = join(ROOT, 'scripts/docker/left-out.cjs')

/** Packages from before ES modules call require() for what Node has. */
const BANNER = [
  "import { createRequire as reelmeshCreateRequire } from 'node:module'",
  'const require = reelmeshCreateRequire(import.meta.url)',
  'const __filename = import.meta.filename, __dirname = import.meta.dirname',
].join('\n')

/** `node:http` without what `import` reads of it: all its names, which loads the whole of `fetch`, 26 of the 36 ms that it takes. */
const LEAN_HTTP: Plugin = {
  name: 'lean http',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:http$/ }, ({ path }) => ({ path, namespace: 'lean' }))
    onLoad({ filter: /.*/, namespace: 'lean' }, () => ({
      contents: "module.exports = process.getBuiltinModule('node:http')",
    }))
  },
}

/** Writes the file, its parts and what its pages load; answers what went into them. `main` is the module that it runs, from the repository's root. */
export async function bundle(outfile: string, main = 'cli/main.ts'): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: { [basename(outfile, '.mjs')]: main },
    outdir: dirname(outfile),
    outExtension: { '.js': '.mjs' },
    // What a verb does not need is not read.
    splitting: true,
    chunkNames: 'parts/[hash]',
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    // The bundler makes the live page, here.
    external: [...OPTIONAL, 'esbuild'],
    alias: Object.fromEntries(LEFT_OUT.map((name) => [name, NOTHING])),
    plugins: [LEAN_HTTP],
    banner: { js: BANNER },
    // Names stay: a stack trace in an issue should be readable.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  })
  const pages = join(dirname(resolve(ROOT, outfile)), 'pages')
  await mkdir(pages, { recursive: true })
  for (const name of Object.keys(PAGE_FILES)) await writeFile(join(pages, name), await readPageFile(name))
  const { inputs } = (await builtPage()).metafile
  return { ...metafile, inputs: { ...metafile.inputs, ...inputs } }
}

/** Writes the client for programs, one file that runs in Node and in browsers; answers what went into it. */
export async function bundleClient(outfile: string): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['client/client.ts'],
    outfile,
    bundle: true,
    platform: 'neutral',
    mainFields: ['module', 'main'],
    format: 'esm',
    target: 'es2024',
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  })
  return metafile
}
