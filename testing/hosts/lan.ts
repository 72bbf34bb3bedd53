/**
 * A network of hosts on one machine: a namespace for the switch (a bridge), one for each host, a veth between them, and a
 * cable from the switch to this process, which no rule ever cuts. The switch has a namespace of its own so that rules of
 * this machine (a container engine drops what it forwards) do not reach it.
 *
 * Promises: names and the subnet are this process's own, so two labs run at once; what a lab that was killed left behind is
 * removed by the next one. Packets are dropped where they arrive, so that the sender does not notice.
 */
import { execa } from 'execa'

/** One direction: what reaches `to` from `from`. */
export type Blocked = (from: number, to: number) => boolean

export interface HostLink {
  readonly namespace: string
  /** What others reach it by: its own, or that of the router it is behind. */
  readonly address: string
  readonly address6: string
  /** What it can listen on. */
  readonly inner: string
  /** Its router's namespace, where it is behind one. */
  readonly router: string | null
}

export interface Lan {
  readonly hosts: readonly HostLink[]
  /** Makes the rules of this host so. `loss`: share of the packets that reach it and are dropped. */
  rules(host: number, rules: { blocked: Blocked; loss: number }): Promise<void>
  /** What this host sends, and what is sent to it, at most this fast; null lifts it. Bits a second. */
  rate(host: number, bits: number | null): Promise<void>
  /** A port of the router that leads to the host behind it. */
  forward(host: number, port: number): Promise<void>
  close(): Promise<void>
}

/** 198.18.0.0/15 is reserved for benchmarks (RFC 2544); one /24 for each lab. */
const SUBNETS = 512
const MANAGER = 254
const CHAIN = 'REELMESH'
const SWITCH = 'switch'
const NAME = /^rm([0-9a-z]+)_([a-z])-/
let labsOpened = 0

const ip = (...args: string[]) => execa('ip', args, { stdin: 'ignore' })

export async function openLan(options: { hosts: number; behindRouter: readonly number[] }): Promise<Lan> {
  await sweepLeftovers()
  const opened = labsOpened++
  const tag = `rm${process.pid.toString(36)}_${String.fromCharCode(97 + (opened % 26))}`
  const subnet = await freeSubnet(opened)
  const net = `198.${18 + (subnet >> 8)}.${subnet & 255}`
  const net6 = `fd72:6d00:0:${subnet.toString(16)}:`
  const lan = `${tag}-lan`
  const manager = { v4: `${net}.${MANAGER}`, v6: `${net6}:${MANAGER}` }
  try {
    await plugInManager({ lan, tag, ...manager })
    const hosts: HostLink[] = []
    for (let at = 0; at < options.hosts; at++)
      hosts.push(await plugIn({ lan, at, tag, net, net6, isBehindRouter: options.behindRouter.includes(at) }))
    return new BridgedLan({ tag, lan, hosts, manager })
  } catch (error) {
    await removeNamespaces((name) => name.startsWith(`${tag}-`))
    throw error
  }
}

/** The switch, and this process's cable to it. */
async function plugInManager({
  lan,
  tag,
  v4,
  v6,
}: {
  lan: string
  tag: string
  v4: string
  v6: string
}): Promise<void> {
  await namespace(lan)
  await ip('-n', lan, 'link', 'add', 'name', SWITCH, 'type', 'bridge', 'mcast_snooping', '0', 'forward_delay', '0')
  await ip('-n', lan, 'link', 'set', 'dev', SWITCH, 'up')
  await ip('link', 'add', 'name', tag, 'type', 'veth', 'peer', 'name', 'manager', 'netns', lan)
  await ip('-n', lan, 'link', 'set', 'dev', 'manager', 'master', SWITCH, 'up')
  await ip('addr', 'add', `${v4}/24`, 'dev', tag)
  await ip('-6', 'addr', 'add', `${v6}/64`, 'dev', tag, 'nodad')
  await ip('link', 'set', 'dev', tag, 'up')
}

class BridgedLan implements Lan {
  readonly hosts: readonly HostLink[]
  readonly #tag: string
  readonly #lan: string
  readonly #manager: { readonly v4: string; readonly v6: string }

  constructor(of: { tag: string; lan: string; hosts: readonly HostLink[]; manager: { v4: string; v6: string } }) {
    this.#tag = of.tag
    this.#lan = of.lan
    this.hosts = of.hosts
    this.#manager = of.manager
  }

  async rules(host: number, { blocked, loss }: { blocked: Blocked; loss: number }): Promise<void> {
    const from = this.hosts.filter((_, at) => at !== host && blocked(at, host))
    const { namespace } = this.#link(host)
    const lines = (manager: string, sources: readonly string[]) => [
      '*filter',
      `:${CHAIN} - [0:0]`,
      `-A ${CHAIN} -s ${manager} -j RETURN`,
      ...sources.map((source) => `-A ${CHAIN} -s ${source} -j DROP`),
      ...(loss > 0 ? [`-A ${CHAIN} -m statistic --mode random --probability ${loss} -j DROP`] : []),
      'COMMIT',
      '',
    ]
    const restore = async (program: string, text: readonly string[]): Promise<void> => {
      const asked = ['netns', 'exec', namespace, program, '--noflush']
      const { failed, signal, shortMessage } = await execa('ip', asked, { input: text.join('\n'), reject: false })
      // The host lost its power in this very moment: the cable is another's.
      if (signal === 'SIGKILL') return restore(program, text)
      if (failed) throw new Error(shortMessage)
    }
    // One restore empties the chain and fills it again at once: no packet sees half of the rules.
    await Promise.all([
      restore(
        'iptables-restore',
        lines(
          this.#manager.v4,
          from.map(({ address }) => address),
        ),
      ),
      restore(
        'ip6tables-restore',
        lines(
          this.#manager.v6,
          from.map(({ address6 }) => address6),
        ),
      ),
    ])
  }

  async rate(host: number, bits: number | null): Promise<void> {
    const ends = [
      { namespace: this.#link(host).namespace, device: 'eth0' },
      { namespace: this.#lan, device: `h${host}` },
    ]
    for (const { namespace, device } of ends) {
      const tc = (...args: string[]) =>
        execa('tc', ['-n', namespace, 'qdisc', ...args], { stdin: 'ignore', reject: bits !== null })
      if (bits === null) await tc('del', 'dev', device, 'root')
      // A bucket of 10 ms at the least, or a fast link is never filled.
      else
        await tc(
          'replace',
          'dev',
          device,
          'root',
          'tbf',
          'rate',
          `${bits}bit`,
          'burst',
          String(Math.max(16_384, Math.ceil(bits / 800))),
          'latency',
          '100ms',
        )
    }
  }

  async forward(host: number, port: number): Promise<void> {
    const { router, inner } = this.#link(host)
    if (router === null) throw new Error(`host ${host} is behind no router`)
    await nat(
      router,
      'PREROUTING',
      '-i',
      'wan',
      '-p',
      'tcp',
      '--dport',
      String(port),
      '-j',
      'DNAT',
      '--to-destination',
      `${inner}:${port}`,
    )
  }

  #link(host: number): HostLink {
    const link = this.hosts[host]
    if (!link) throw new RangeError(`there is no host ${host}`)
    return link
  }

  /** The manager's cable goes with the switch. */
  async close(): Promise<void> {
    await removeNamespaces((name) => name.startsWith(`${this.#tag}-`))
  }
}

const nat = (router: string, ...rule: string[]) =>
  execa('ip', ['netns', 'exec', router, 'iptables', '-t', 'nat', '-A', ...rule], { stdin: 'ignore' })

async function namespace(name: string): Promise<void> {
  await ip('netns', 'add', name)
  await ip('-n', name, 'link', 'set', 'dev', 'lo', 'up')
}

interface Plug {
  readonly lan: string
  readonly at: number
  readonly tag: string
  readonly net: string
  readonly net6: string
  readonly isBehindRouter: boolean
}

async function plugIn({ lan, at, tag, net, net6, isBehindRouter }: Plug): Promise<HostLink> {
  const host = `${tag}-h${at}`
  const router = isBehindRouter ? `${tag}-r${at}` : null
  const [address, address6] = [`${net}.${at + 1}`, `${net6}:${at + 1}`]
  await namespace(host)
  if (router !== null) await namespace(router)
  const [outer, device] = router === null ? [host, 'eth0'] : [router, 'wan']
  await ip('-n', lan, 'link', 'add', 'name', `h${at}`, 'type', 'veth', 'peer', 'name', device, 'netns', outer)
  await ip('-n', lan, 'link', 'set', 'dev', `h${at}`, 'master', SWITCH, 'up')
  await ip('-n', outer, 'addr', 'add', `${address}/24`, 'dev', device)
  await ip('-n', outer, '-6', 'addr', 'add', `${address6}/64`, 'dev', device, 'nodad')
  // Packets as they are on a wire: else 64 KiB at once are one packet, and lost or kept as one.
  await ip('-n', outer, 'link', 'set', 'dev', device, 'gso_max_segs', '1')
  await ip('-n', outer, 'link', 'set', 'dev', device, 'up')
  let inner = address
  if (router !== null) inner = await behind(router, host)
  else await ip('-n', host, 'route', 'add', 'default', 'dev', 'eth0')
  for (const program of ['iptables-restore', 'ip6tables-restore']) {
    const input = ['*filter', `:${CHAIN} - [0:0]`, `-A INPUT -i eth0 -j ${CHAIN}`, 'COMMIT', ''].join('\n')
    await execa('ip', ['netns', 'exec', host, program, '--noflush'], { input })
  }
  return { namespace: host, address, address6, inner, router }
}

/** The host's side of a router that hides it, as at home. Answers the host's address there. */
async function behind(router: string, host: string): Promise<string> {
  await ip('-n', router, 'link', 'add', 'name', 'home', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', host)
  await ip('-n', router, 'addr', 'add', '192.168.77.1/24', 'dev', 'home')
  await ip('-n', router, 'link', 'set', 'dev', 'home', 'up')
  await ip('-n', host, 'addr', 'add', '192.168.77.2/24', 'dev', 'eth0')
  await ip('-n', host, 'link', 'set', 'dev', 'eth0', 'up')
  await ip('-n', host, 'route', 'add', 'default', 'via', '192.168.77.1')
  await execa('ip', ['netns', 'exec', router, 'sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward'], { stdin: 'ignore' })
  await nat(router, 'POSTROUTING', '-o', 'wan', '-j', 'MASQUERADE')
  return '192.168.77.2'
}

/** Starts at a place of this lab's own; what another one has is seen. */
async function freeSubnet(opened: number): Promise<number> {
  const { stdout } = await ip('-o', '-4', 'addr')
  for (let tries = 0; tries < SUBNETS; tries++) {
    const subnet = (process.pid + 37 * opened + tries) % SUBNETS
    if (!stdout.includes(` 198.${18 + (subnet >> 8)}.${subnet & 255}.`)) return subnet
  }
  throw new Error('no subnet of 198.18.0.0/15 is free for another lab')
}

/** Processes of a lab end with it; its namespaces stay if it was killed. */
async function sweepLeftovers(): Promise<void> {
  await removeNamespaces((name) => {
    const owner = NAME.exec(name)?.[1]
    return owner !== undefined && !isAlive(Number.parseInt(owner, 36))
  })
}

async function removeNamespaces(isMeant: (name: string) => boolean): Promise<void> {
  const { stdout } = await ip('netns', 'list')
  const names = stdout.split('\n').map((line) => line.split(' ')[0] ?? '')
  // Another lab may sweep at the same time.
  for (const name of names.filter(isMeant))
    await execa('ip', ['netns', 'del', name], { reject: false, stdin: 'ignore' })
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
