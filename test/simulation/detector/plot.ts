/** Lines over the size of a mesh, as one SVG: both axes may be logarithmic, series share a unit. Pure. */

export interface Series {
  readonly name: string
  readonly colour: string
  /** y in the chart's unit by number of peers; a gap where nothing was measured. */
  readonly points: readonly (readonly [peers: number, y: number | null])[]
}

export interface Chart {
  readonly title: string
  readonly unit: string
  readonly series: readonly Series[]
  /** Labelled lines; the first is the bottom. A `0` bottom makes the axis linear. */
  readonly ticks: readonly number[]
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [960, 380, 64, 190, 44, 44]
const PEERS = [3, 8, 16, 32, 64, 128, 256, 512, 1_000] as const

export function drawChart({ title, unit, series, ticks }: Chart): string {
  const [low = 0, high = 1] = [ticks[0], ticks.at(-1)]
  const isLinear = low === 0
  const share = (value: number) =>
    isLinear ? value / high : Math.log(Math.max(value, low) / low) / Math.log(high / low)
  const x = (peers: number) =>
    (LEFT + (Math.log(peers / PEERS[0]) / Math.log(1_000 / PEERS[0])) * (WIDTH - LEFT - RIGHT)).toFixed(1)
  const y = (value: number) => (HEIGHT - BOTTOM - Math.min(1, share(value)) * (HEIGHT - TOP - BOTTOM)).toFixed(1)
  const line = ({ points, colour }: Series) => {
    const known = points.filter((point): point is readonly [number, number] => point[1] !== null)
    const path = known.map(([peers, value], at) => `${at === 0 ? 'M' : 'L'}${x(peers)} ${y(value)}`).join('')
    const dots = known.map(([peers, value]) => `<circle cx="${x(peers)}" cy="${y(value)}" r="3" fill="${colour}"/>`)
    return `<path d="${path}" stroke="${colour}" stroke-width="1.5" fill="none"/>\n${dots.join('')}`
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${LEFT}" y="22" font-size="14" font-weight="bold">${title}</text>`,
    ...ticks.map(
      (tick) =>
        `<path d="M${LEFT} ${y(tick)}H${WIDTH - RIGHT}" stroke="#ddd"/><text x="${LEFT - 6}" y="${Number(y(tick)) + 4}" text-anchor="end" fill="#555">${tick.toLocaleString('en')}${tick === high ? ` ${unit}` : ''}</text>`,
    ),
    ...PEERS.map(
      (peers) =>
        `<text x="${x(peers)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle" fill="#555">${peers.toLocaleString('en')}</text>`,
    ),
    `<text x="${WIDTH - RIGHT}" y="${HEIGHT - 8}" text-anchor="end" fill="#555">peers</text>`,
    ...series.map(line),
    ...series.map(
      ({ name, colour }, at) =>
        `<text x="${WIDTH - RIGHT + 12}" y="${TOP + 16 + 18 * at}" fill="${colour}">${name}</text>`,
    ),
    '</svg>\n',
  ].join('\n')
}
