/**
 * Where chaos plays: a host for the database and five with a node each, three of which may coordinate; every node's data folder
 * is a small disk of its own, so that it can be filled. Beside them works one whose ffmpeg shows other pictures: every result is audited.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Lab, openLab } from '../../testing/hosts/lab.ts'
import { openLedger } from '../../testing/tools/open-ledger.ts'
import { paintingFfmpeg } from '../../testing/tools/painting-ffmpeg.ts'
import { mountSmallDisk } from '../hosts/small-disk.ts'
import type { Place } from './inject.ts'
import { Member } from './member.ts'

const COORDINATORS = 3
export const NODES = 5
const DISK = '256m'
/** The questions of this process itself: it waits less long than a node. */
const RETRY_MS = 3_000

export interface Stage extends Place {
  close(): Promise<void>
}

export async function openStage(of: {
  report(violation: string): void
  print(line: string): void
  /** Before any node runs: it has the machine for itself then. */
  prepare(lab: Lab): Promise<void>
}): Promise<Stage> {
  const lab = await openLab({ hosts: 1 + NODES + 1 })
  const members: Member[] = []
  const close = async () => {
    for (const member of members) member.abandon()
    await lab.close()
  }
  try {
    await of.prepare(lab)
    const mongod = await lab.mongod(0)
    const ledger = await openLedger(lab.ledger, { retryMs: RETRY_MS })
    const painting = await paintingFfmpeg(lab.dir)
    for (let at = 1; at <= NODES + 1; at++) {
      const host = lab.host(at)
      const disk = await mountSmallDisk(join(host.dir, host.name), DISK)
      const roles = at <= COORDINATORS ? 'worker,coordinator' : 'worker'
      // Any two know each other: whoever is started first must not be the only way in.
      const known = members.map(({ address }) => address).slice(0, 2)
      const joining = known.length > 0 && { join: known.join(',') }
      const flags = { slots: 1, roles, audit: '100%', ...joining, ...(at > NODES && painting) }
      const member = new Member({ ...of, host, disk, flags })
      members.push(member)
      // The first two are the way in for the others, who come at once.
      if (at <= 2) await member.start()
    }
    await Promise.all(members.map((member) => member.start()))
    return {
      lab,
      mongod,
      ledger,
      members,
      async close() {
        await ledger.close()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

export const logOf = (member: Member): Promise<string> =>
  readFile(join(member.host.dir, member.name, 'log'), 'utf8').catch(() => '')

export const databaseOf = ({ lab }: { lab: Lab }): string => /\/([^/?]+)\?/.exec(lab.ledger)?.[1] ?? ''
