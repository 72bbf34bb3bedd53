/**
 * The exported declarations of a file as the rules for docblocks need them: the comment of each export and of each of its members, which of
 * them are numbers, and which functions can fail. It reads the syntax tree only: types by the word that is written, calls by name.
 */
import * as ast from 'typescript/unstable/ast'

/** An exported declaration, or a member or parameter of one. */
export interface Declared {
  readonly path: string
  /** `Ledger.renew` for a member, `maxAheadMs(claimMs)` for a parameter. */
  readonly name: string
  readonly what: 'function' | 'interface' | 'class' | 'type' | 'value' | 'method' | 'field' | 'parameter'
  /** Text of its own docblock, without the stars; null where there is none. */
  readonly comment: string | null
  /** A numeric literal, arithmetic of them, or the type `number`. */
  readonly isNumber: boolean
}

/** A function with a name, exported or not, and how its own body can fail. */
export interface Fallible {
  readonly path: string
  readonly name: string
  /** The nearest function around it whose declared result is an interface of ours: `name` is then a method of that. */
  readonly implements: string | null
  /** `throw`, `Promise.reject`, `.parse(` or `throwIfAborted` outside of a `try` with a `catch`. */
  readonly throws: boolean
  /** Functions that it calls by their bare names or on `this`, and whose failures it does not catch. */
  readonly calls: readonly string[]
}

/** Docblock of the file itself: it is no declaration's, although it may stand right before the first. */
const headerEnd = (text: string): number => /^(?:#!.*\n)?\s*\/\*\*[\s\S]*?\*\//.exec(text)?.[0].length ?? 0

/** The exports of one file, each with its members and numeric parameters behind it. */
export function declarationsOf(path: string, tree: ast.SourceFile): Declared[] {
  const header = headerEnd(tree.text)
  const declared = (node: ast.Node, name: string, what: Declared['what'], comment: string | null): Declared[] => {
    const own = { path, name, what, comment, isNumber: isNumeric(node) }
    const inner = membersOf(node).flatMap((member) => {
      const label = nameOf(member)
      if (label === undefined) return []
      const kind = isCallable(member) ? 'method' : 'field'
      return declared(member, `${name}.${label}`, kind, commentOf(member, tree, header))
    })
    const parameters = parametersOf(node)
      .filter(isNumeric)
      .map((each): Declared => ({ path, name: `${name}(${nameOf(each)})`, what: 'parameter', comment, isNumber: true }))
    return [own, ...inner, ...parameters]
  }
  return tree.statements.flatMap((statement) => {
    if (!isExported(statement)) return []
    const comment = commentOf(statement, tree, header)
    const nodes = ast.isVariableStatement(statement) ? [...statement.declarationList.declarations] : [statement]
    return nodes.flatMap((node) => declared(node, nameOf(node) ?? '(pattern)', kindOf(node), comment))
  })
}

function kindOf(node: ast.Node): Declared['what'] {
  if (ast.isInterfaceDeclaration(node)) return 'interface'
  if (ast.isClassDeclaration(node)) return 'class'
  if (ast.isTypeAliasDeclaration(node)) return 'type'
  return functionIn(node) ? 'function' : 'value'
}

function isExported(statement: ast.Node): boolean {
  const { modifiers } = statement as { modifiers?: readonly ast.Node[] }
  return modifiers?.some(({ kind }) => kind === ast.SyntaxKind.ExportKeyword) ?? false
}

function commentOf(node: ast.Node, tree: ast.SourceFile, header: number): string | null {
  const { jsDoc = [] } = node as { jsDoc?: readonly ast.Node[] }
  const own = jsDoc.filter(({ pos }) => pos >= header).at(-1)
  if (!own) return null
  const text = tree.text.slice(own.pos, own.end).replace(/^\s*\/\*\*|\*\/\s*$/g, '')
  return text
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, '').trimEnd())
    .join('\n')
    .trim()
}

/** Members of an interface, a type literal or a class; those that a class hides are not among them. */
function membersOf(node: ast.Node): readonly ast.Node[] {
  if (ast.isInterfaceDeclaration(node)) return [...node.members]
  if (ast.isTypeAliasDeclaration(node) && ast.isTypeLiteralNode(node.type)) return [...node.type.members]
  if (ast.isClassDeclaration(node)) return [...node.members].filter(isPublic)
  return []
}

function isPublic(member: ast.Node): boolean {
  const { modifiers } = member as { modifiers?: readonly ast.Node[] }
  if (ast.isConstructorDeclaration(member) || nameOf(member)?.startsWith('#')) return false
  return !modifiers?.some(({ kind }) => kind === ast.SyntaxKind.PrivateKeyword)
}

function isCallable(member: ast.Node): boolean {
  if (ast.isMethodSignatureDeclaration(member) || ast.isMethodDeclaration(member)) return true
  const { type } = member as { type?: ast.Node }
  return type !== undefined && ast.isFunctionTypeNode(type)
}

function parametersOf(node: ast.Node): readonly ast.Node[] {
  const { parameters } = (functionIn(node) ?? node) as { parameters?: readonly ast.Node[] }
  return [...(parameters ?? [])]
}

/** The function that a declaration is, or that its name is bound to. */
function functionIn(node: ast.Node): ast.Node | undefined {
  if (isFunction(node)) return node
  const { initializer } = node as { initializer?: ast.Node }
  return initializer && isFunction(initializer) ? initializer : undefined
}

/** By the word `number` in its type or that of its result, or by its value. */
function isNumeric(node: ast.Node): boolean {
  const { initializer } = node as { initializer?: ast.Node }
  const { type } = (functionIn(node) ?? node) as { type?: ast.Node }
  if (type) return isNumberType(type)
  return initializer !== undefined && isNumericValue(initializer)
}

function isNumberType(type: ast.Node): boolean {
  if (type.kind === ast.SyntaxKind.NumberKeyword) return true
  return ast.isUnionTypeNode(type) && [...type.types].some(isNumberType)
}

function isNumericValue(node: ast.Node): boolean {
  if (ast.isNumericLiteral(node)) return true
  if (ast.isBinaryExpression(node)) return isNumericValue(node.left) || isNumericValue(node.right)
  if (ast.isParenthesizedExpression(node) || ast.isPrefixUnaryExpression(node) || ast.isAsExpression(node)) {
    let found = false
    node.forEachChild((child) => {
      found ||= isNumericValue(child)
    })
    return found
  }
  if (ast.isObjectLiteralExpression(node)) {
    return [...node.properties].some((each) => ast.isPropertyAssignment(each) && isNumericValue(each.initializer))
  }
  return false
}

export function isFunction(node: ast.Node): boolean {
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

/** Its own name, or that of the function that is called. */
export function nameOf(node: ast.Node): string | undefined {
  if (ast.isConstructorDeclaration(node)) return 'constructor'
  if (ast.isCallExpression(node)) return ast.isIdentifier(node.expression) ? node.expression.text : undefined
  const { name } = node as { name?: ast.Node & { text?: string } }
  return name?.text
}

/** Every named function of a file, with how it can fail. A callback belongs to no name: who calls it, and when, is unknown here. */
export function falliblesOf(path: string, tree: ast.SourceFile): Fallible[] {
  const found: Fallible[] = []
  const look = (node: ast.Node, parent: ast.Node, contract: string | null): void => {
    let within = contract
    if (isFunction(node)) {
      const name = ast.isVariableDeclaration(parent) || ast.isPropertyAssignment(parent) ? nameOf(parent) : nameOf(node)
      if (name !== undefined) found.push({ path, name, implements: contract, ...failuresOf(node) })
      within = resultOf(node) ?? contract
    }
    if (ast.isClassDeclaration(node)) within = contractOf(node) ?? nameOf(node) ?? contract
    node.forEachChild((child) => look(child, node, within))
  }
  look(tree, tree, null)
  return found
}

function resultOf(node: ast.Node): string | null {
  const { type } = node as { type?: ast.Node }
  if (!type || !ast.isTypeReferenceNode(type)) return null
  const name = (type.typeName as { text?: string }).text ?? null
  const [inner] = [...(type.typeArguments ?? [])]
  if (name !== 'Promise') return name
  return inner && ast.isTypeReferenceNode(inner) ? ((inner.typeName as { text?: string }).text ?? null) : null
}

function contractOf(node: ast.ClassDeclaration): string | null {
  const clause = [...(node.heritageClauses ?? [])].find(({ token }) => token === ast.SyntaxKind.ImplementsKeyword)
  const [first] = [...(clause?.types ?? [])]
  return (first?.expression as { text?: string } | undefined)?.text ?? null
}

function failuresOf(node: ast.Node): Pick<Fallible, 'throws' | 'calls'> {
  let throws = false
  const calls: string[] = []
  const look = (each: ast.Node): void => {
    if (isFunction(each)) return
    if (ast.isTryStatement(each) && each.catchClause) {
      look(each.catchClause)
      if (each.finallyBlock) look(each.finallyBlock)
      return
    }
    if (ast.isThrowStatement(each)) throws = true
    if (ast.isCallExpression(each)) {
      if (isThrowingCall(each)) throws = true
      const name = nameOf(each) ?? ownMethod(each)
      if (name !== undefined) calls.push(name)
    }
    if (isCaught(each)) return
    each.forEachChild(look)
  }
  node.forEachChild(look)
  return { throws, calls }
}

/** The name of a method that is called on `this`. */
function ownMethod({ expression }: ast.CallExpression): string | undefined {
  if (!ast.isPropertyAccessExpression(expression)) return undefined
  return expression.expression.kind === ast.SyntaxKind.ThisKeyword ? nameOf(expression) : undefined
}

/** `….catch(…)`: its failures go to the handler. */
function isCaught(node: ast.Node): boolean {
  return ast.isCallExpression(node) && isMember(node.expression, 'catch')
}

function isMember(node: ast.Node, name: string): boolean {
  return ast.isPropertyAccessExpression(node) && (node.name as { text?: string }).text === name
}

/** These objects' `parse` answers NaN or parts and does not throw. */
const MILD = ['Date', 'path', 'Number']

function isThrowingCall(node: ast.CallExpression): boolean {
  const { expression } = node
  if (!ast.isPropertyAccessExpression(expression)) return false
  const owner = (expression.expression as { text?: string }).text ?? ''
  if (isMember(expression, 'throwIfAborted')) return true
  if (isMember(expression, 'reject')) return owner === 'Promise'
  return isMember(expression, 'parse') && !MILD.includes(owner)
}
