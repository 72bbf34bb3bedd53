/** What people read of a test file once it has run, and of several that run one after the other. */
import { type FileLimits, type FileResult, runTestFile } from './test-file.ts'

/** `figures`: also what its tests told of themselves. */
export function tellFile(path: string, result: FileResult, { figures }: { readonly figures: boolean }): void {
  const counts = `${result.passed} passed${result.failed > 0 ? `, ${result.failed} failed` : ''}`
  console.log(`${result.failed > 0 ? '✖' : '✔'} ${path}  ${counts}  ${(result.ms / 1000).toFixed(1)} s`)
  if (figures) for (const line of result.told) console.log(`    ${line}`)
  if (result.report) console.log(result.report)
}

/** Runs each by itself, tells it with its figures, and answers the tests of all. Paths are from the working directory. */
export async function runInTurn(
  paths: readonly string[],
  limits: FileLimits,
): Promise<{ passed: number; failed: number }> {
  const sum = { passed: 0, failed: 0 }
  for (const path of paths) {
    const result = await runTestFile(`${process.cwd()}/${path}`, limits)
    tellFile(path, result, { figures: true })
    sum.passed += result.passed
    sum.failed += result.failed
  }
  return sum
}
