/**
 * What the style can know only from the syntax tree: how long functions are, and which exports have a docblock. Parsed by the
 * compiler that checks the types too, from memory and one file at a time; its API is called unstable, and only this file uses it.
 */
import * as ast from 'typescript/unstable/ast'
import { createVirtualFileSystem } from 'typescript/unstable/fs'
import { API } from 'typescript/unstable/sync'

/** Lines from the first of its declaration to its last, functions inside it included. */
export interface FunctionFound {
  readonly path: string
  /** Its own, or that of what it is assigned to or an argument of. */
  readonly name: string
  readonly lines: number
}

export interface ExportFound {
  readonly path: string
  readonly name: string
  readonly hasDocblock: boolean
}

export interface Syntax {
  readonly functions: readonly FunctionFound[]
  readonly exports: readonly ExportFound[]
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
      exports: trees.flatMap(([path, tree]) => (tree ? exportsOf(path, tree) : missing(path))),
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

function isFunction(node: ast.Node): boolean {
  return (
    ast.isFunctionDeclaration(node) ||
    ast.isFunctionExpression(node) ||
    ast.isArrowFunction(node) ||
    ast.isMethodDeclaration(node) ||
    ast.isConstructorDeclaration(node) ||
    ast.isGetAccessorDeclaration(node) ||
    ast.isSetAccessorDeclaration(node)
  )
}

function nameOf(node: ast.Node): string | undefined {
  if (ast.isConstructorDeclaration(node)) return 'constructor'
  if (ast.isCallExpression(node)) return ast.isIdentifier(node.expression) ? node.expression.text : undefined
  const { name } = node as { name?: ast.Node & { text?: string } }
  return name?.text
}

function exportsOf(path: string, tree: ast.SourceFile): ExportFound[] {
  // The file's own docblock is no declaration's, although it may stand right before the first.
  const header = /^(?:#!.*\n)?\s*\/\*\*[\s\S]*?\*\//.exec(tree.text)?.[0].length ?? 0
  return tree.statements.flatMap((statement) => {
    const { modifiers, jsDoc = [] } = statement as {
      modifiers?: readonly ast.Node[]
      jsDoc?: readonly ast.Node[]
    }
    if (!modifiers?.some(({ kind }) => kind === ast.SyntaxKind.ExportKeyword)) return []
    const hasDocblock = jsDoc.some(({ pos }) => pos >= header)
    const declared = ast.isVariableStatement(statement) ? [...statement.declarationList.declarations] : [statement]
    return declared.map((each) => ({ path, name: nameOf(each) ?? '(pattern)', hasDocblock }))
  })
}
