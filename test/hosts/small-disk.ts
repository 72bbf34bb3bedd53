/**
 * What happens to disks: the data folder of a node as a small file system of its own, filled to its last byte and emptied again,
 * and blobs whose bytes change. Needs root.
 */
import { mkdir, open, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'

export interface SmallDisk {
  /** To the last byte. */
  fill(): Promise<void>
  empty(): Promise<void>
}

/**
 * Below the lab's folder, which unmounts it when it is removed.
 * @param size as `mount` takes it, such as `256m`
 */
export async function mountSmallDisk(dir: string, size: string): Promise<SmallDisk> {
  await mkdir(dir, { recursive: true })
  await execa('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'reelmesh-lab', dir], { stdin: 'ignore' })
  const [filler, rest] = [join(dir, 'filler'), join(dir, 'filler-rest')]
  return {
    async fill() {
      await execa('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k'], { reject: false, stdin: 'ignore' })
      await writeFile(rest, Buffer.alloc(64 * 1024)).catch(() => {})
    },
    async empty() {
      for (const path of [filler, rest]) await rm(path, { force: true })
    },
  }
}

/** Inverts the middle byte of each blob in the data folder; blobs that are removed meanwhile are skipped. Answers how many were changed. */
export async function rotBlobs(dataDir: string): Promise<number> {
  const dir = join(dataDir, 'store', 'blobs')
  const names = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => [])
  let count = 0
  for (const entry of names.filter((each) => each.isFile())) {
    const file = await open(join(entry.parentPath, entry.name), 'r+').catch(() => null)
    if (!file) continue
    try {
      const at = (await file.stat()).size >> 1
      const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, at)
      if (bytesRead === 1) await file.write(Buffer.from([(buffer[0] ?? 0) ^ 0xff]), 0, 1, at)
      count += bytesRead
    } finally {
      await file.close()
    }
  }
  return count
}
