import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cellAt, cellBeside, cornerOf, layoutOf } from './grid-layout.ts'

const SHAPES = [
  [360, 1, 1],
  [360, 3, 10_000],
  [900, 3, 30],
  [900, 6, 777],
  [20, 2, 5],
] as const
for (const [width, rows, chunks] of SHAPES)
  test(`each of ${chunks} × ${rows} cells on ${width} pixels is found at its place, and nowhere else`, () => {
    const layout = layoutOf(width, rows, chunks)
    for (let cell = 0; cell < rows * chunks; cell += 7) {
      const [x, y] = cornerOf(layout, cell)
      assert.equal(cellAt(layout, x + 1, y + 1), cell)
      assert.equal(cellAt(layout, x + layout.cellWidth - 1, y + layout.cellHeight - 1), cell)
      assert.ok(y < layout.height)
      assert.ok(width < 100 || x + layout.cellWidth <= width)
    }
    assert.equal(cellAt(layout, 3, 3), null)
    assert.equal(cellAt(layout, 60, layout.height + 1), null)
  })

test('arrow keys go to the cell beside, over the end of a band, and stay at the ends', () => {
  const layout = layoutOf(58 + 4 * 36, 2, 6)
  const narrow = { ...layout, columns: 4 }
  const steps: readonly (readonly [number, string, number])[] = [
    [0, 'ArrowLeft', 0],
    [0, 'ArrowRight', 1],
    [0, 'ArrowUp', 0],
    [0, 'ArrowDown', 6],
    [6, 'ArrowDown', 4],
    [4, 'ArrowUp', 6],
    [7, 'ArrowUp', 1],
    [5, 'ArrowRight', 5],
    [3, 'Home', 0],
    [3, 'End', 11],
  ]
  for (const [cell, key, next] of steps) assert.equal(cellBeside(narrow, cell, key), next, `${key} from ${cell}`)
})
