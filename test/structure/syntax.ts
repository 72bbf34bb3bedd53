/**
 * What the style can know only from the syntax tree: how long functions are, and which exports have a docblock. Parsed by the
 * compiler that checks the types too, from memory and one file at a time; its API is called unstable, and only this file uses it.
 */
import type * as ast from 'typescript/unstable/ast'
import { createVirtualFileSystem } from 'typescript/unstable/fs'
import { API } from 'typescript/unstable/sync'
import { type Declared, declarationsOf, type Fallible, falliblesOf, isFunction, nameOf } from './declarations.ts'

/** Lines from the first of its declaration to its last, functions inside it included. */
export interface FunctionFound {
  readonly path: string
  /** Its own, or that of what it is assigned to or an argument of. */
  readonly name: string
  readonly lines: number
}

export interface Syntax {
  readonly functions: readonly FunctionFound[]
  /** Exported declarations, their members and numeric parameters. */
  readonly declarations: readonly Declared[]
  readonly fallibles: readonly Fallible[]
}

const ROOT = '/sources'

/** @param files path → TypeScript */
export function parse(files: ReadonlyMap<string, string>): Syntax {
  const names = [...files.keys()]
  const compilerOptions = { noResolve: true, noLib: true, types: [], allowImportingTsExtensions: true, noEmit: true }
  const api = new API({
    cwd: ROOT,
    fs: createVirtualFileSystem({
      [`${ROOT}/tsconfig.json`]: JSON.stringify({ compilerOptions, files: names }),
      ...Object.fromEntries([...files].map(([path, source]) => [`${ROOT}/${path}`, source])),
    }),
  })
  try {
    const [project] = api.updateSnapshot({ openProject: `${ROOT}/tsconfig.json` }).getProjects()
    const trees = names.map((path) => [path, project?.program.getSourceFile(`${ROOT}/${path}`)] as const)
    return {
      functions: trees.flatMap(([path, tree]) => (tree ? functionsOf(path, tree) : missing(path))),
      declarations: trees.flatMap(([path, tree]) => (tree ? declarationsOf(path, tree) : missing(path))),
      fallibles: trees.flatMap(([path, tree]) => (tree ? falliblesOf(path, tree) : missing(path))),
    }
  } finally {
    api.close()
  }
}

function missing(path: string): never {
  throw new Error(`${path} was not parsed`)
}

function functionsOf(path: string, tree: ast.SourceFile): FunctionFound[] {
  const found: FunctionFound[] = []
  const look = (node: ast.Node, around: string): void => {
    const name = nameOf(node) ?? around
    if (isFunction(node)) {
      const code = tree.text.slice(node.getStart(tree), node.end)
      found.push({ path, name, lines: code.split('\n').length })
    }
    node.forEachChild((child) => look(child, name))
  }
  look(tree, '(module)')
  return found
}
