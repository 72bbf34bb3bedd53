/** What people read of a test file once it has run. */
import type { FileResult } from './test-file.ts'

/** `figures`: also what its tests told of themselves. */
export function tellFile(path: string, result: FileResult, { figures }: { readonly figures: boolean }): void {
  const counts = `${result.passed} passed${result.failed > 0 ? `, ${result.failed} failed` : ''}`
  console.log(`${result.failed > 0 ? '✖' : '✔'} ${path}  ${counts}  ${(result.ms / 1000).toFixed(1)} s`)
  if (figures) for (const line of result.told) console.log(`    ${line}`)
  if (result.report) console.log(result.report)
}
