// Draws a plot as SVG with ECharts: a line for each server, and the spread of the rounds. It carries
// its own background in both colour schemes, so that it can be read on any page; a host's theme may
// be another than the browser's.
import * as echarts from 'echarts'
import type { Figure } from './figure.ts'
import { number } from './table.ts'
import {
  describeLoad,
  inOrder,
  isClientLimited,
  type Spread,
  spreadOf,
  type Trial,
  valuesOf,
} from './trial.ts'

export interface Plot {
  readonly title: string
  /** Of the horizontal axis: a number of the load, and what it is called. */
  readonly axis: string
  readonly axisTitle: string
  /** Side by side, on the same scale. */
  readonly panels: readonly { readonly figure: Figure; readonly title: string }[]
  readonly format: (value: number) => string
}

export interface Point {
  readonly at: number
  readonly trial: Trial
}

const HEIGHT = 400
const WIDTH = 860

/** Light, and what takes its place in a dark scheme. */
type Colour = readonly [light: string, dark: string]
const PAPER: Colour = ['#ffffff', '#0d1117']
/** ECharts' own filling of hollow marks. */
const HOLLOW: Colour = ['#fff', PAPER[1]]
const INK: Colour = ['#1f2328', '#e6edf3']
const MUTED: Colour = ['#59636e', '#9198a1']
const GRID: Colour = ['#dce1e6', '#2a313c']
/** Told apart by the colour-blind too (after Okabe and Ito); ours, then the floor, then peers. */
const LINES: readonly Colour[] = [
  ['#0072b2', '#56b4e9'],
  ['#6e7780', '#a0a8b1'],
  ['#d55e00', '#ff8a3c'],
  ['#00805b', '#2fc79b'],
  ['#b0528a', '#e39ac4'],
  ['#8a6d00', '#e0c341'],
]
const SYMBOLS = ['circle', 'rect', 'triangle', 'diamond', 'pin', 'arrow']

/** The spread of the rounds: a line from the least to the most. */
function whisker(
  _: echarts.CustomSeriesRenderItemParams,
  api: echarts.CustomSeriesRenderItemAPI,
): echarts.CustomSeriesRenderItemReturn {
  const [x1 = 0, y1 = 0] = api.coord([api.value(0), api.value(1)])
  const [x2 = 0, y2 = 0] = api.coord([api.value(0), api.value(2)])
  return {
    type: 'line',
    shape: { x1, y1, x2, y2 },
    style: { stroke: `${api.visual('color')}`, lineWidth: 4, opacity: 0.5, lineCap: 'round' },
  }
}

/** Of one server at one point of the sweep. */
interface Mark extends Spread {
  readonly isClientLimited: boolean
}

function marksOf(points: readonly Point[], name: string, figure: Figure): (Mark | undefined)[] {
  return points.map(({ trial }) => {
    const spread = spreadOf(valuesOf(trial.servers.get(name), figure.read).values())
    // A logarithmic axis has no 0.
    if (spread === undefined || spread.min <= 0) return undefined
    return { ...spread, isClientLimited: isClientLimited(trial, name) }
  })
}

/** Whole decades that hold everything. */
function decades(spreads: readonly Spread[]): { readonly min: number; readonly max: number } {
  const from = Math.floor(Math.log10(Math.min(...spreads.map(({ min }) => min))))
  const to = Math.ceil(Math.log10(Math.max(...spreads.map(({ max }) => max))))
  return { min: 10 ** from, max: 10 ** Math.max(from + 1, to) }
}

const text = { color: MUTED[0], fontSize: 12, fontFamily: 'sans-serif' }

function titlesOf(
  plot: Plot,
  points: readonly Point[],
  marks: readonly Mark[],
  panelWidth: number,
): object[] {
  const { [plot.axis]: _, ...fixed } = points[0]?.trial.load ?? {}
  const isLimited = marks.some((mark) => mark.isClientLimited)
  const note = isLimited ? '; hollow: the load client was at its limit, not the server' : ''
  return [
    {
      text: plot.title,
      subtext: `${describeLoad(fixed)}${note}`,
      left: 20,
      top: 12,
      itemGap: 6,
      textStyle: { ...text, color: INK[0], fontSize: 16 },
      subtextStyle: text,
    },
    ...plot.panels.map(({ title }, panel) => ({
      text: title,
      left: 20 + panel * panelWidth,
      top: 92,
      textStyle: { ...text, fontWeight: 'normal' },
    })),
  ]
}

function optionsOf(
  plot: Plot,
  points: readonly Point[],
  names: readonly string[],
): echarts.EChartsOption {
  const { panels, axisTitle, format } = plot
  const panelWidth = (WIDTH - 40) / panels.length
  const grid = panels.map(({ figure }) => names.map((name) => marksOf(points, name, figure)))
  const marks = grid.flat(2).filter((mark) => mark !== undefined)
  const range = decades(marks)
  return {
    animation: false,
    backgroundColor: PAPER[0],
    title: titlesOf(plot, points, marks, panelWidth),
    legend: {
      data: [...names],
      left: 15,
      top: 60,
      itemGap: 22,
      textStyle: { ...text, color: INK[0] },
    },
    grid: panels.map((_, panel) => ({
      left: 72 + panel * panelWidth,
      width: panelWidth - 78,
      top: 120,
      bottom: 56,
    })),
    xAxis: panels.map((_, panel) => ({
      type: 'category',
      gridIndex: panel,
      data: points.map(({ at }) => number(at)),
      name: axisTitle,
      nameLocation: 'middle',
      nameGap: 32,
      nameTextStyle: text,
      axisLabel: text,
      axisLine: { lineStyle: { color: MUTED[0] } },
      axisTick: { show: false },
    })),
    yAxis: panels.map((_, panel) => ({
      type: 'log',
      gridIndex: panel,
      ...range,
      axisLabel: { ...text, formatter: format },
      splitLine: { lineStyle: { color: GRID[0] } },
      minorTick: { show: true, splitNumber: 9, lineStyle: { color: GRID[0] } },
    })),
    series: grid.flatMap((ofServers, panel) =>
      ofServers.flatMap((ofPoints, index) => seriesOf(names, index, panel, ofPoints)),
    ),
  }
}

/** The medians as a line, under it the spread of the rounds. */
function seriesOf(
  names: readonly string[],
  index: number,
  panel: number,
  marks: readonly (Mark | undefined)[],
): echarts.SeriesOption[] {
  const [color] = LINES[index % LINES.length] as Colour
  const symbol = SYMBOLS[index % SYMBOLS.length] as string
  const hollow = `empty${symbol.charAt(0).toUpperCase()}${symbol.slice(1)}`
  const shared = { xAxisIndex: panel, yAxisIndex: panel, itemStyle: { color } }
  return [
    {
      ...shared,
      type: 'custom',
      renderItem: whisker,
      data: marks.flatMap((mark, at) => (mark ? [[at, mark.min, mark.max]] : [])),
      z: 2,
    },
    {
      ...shared,
      name: names[index] as string,
      type: 'line',
      data: marks.map((mark) => ({
        value: mark?.median ?? '-',
        symbol: mark?.isClientLimited ? hollow : symbol,
      })),
      symbol,
      symbolSize: 9,
      lineStyle: { color, width: 2.5 },
      // Ours lies on top of the others.
      z: 10 + names.length - index,
    },
  ]
}

/** The light colours are attributes of the SVG; a rule for each puts the dark one in its place. */
function withSchemes(svg: string, title: string): string {
  const rules = [PAPER, HOLLOW, INK, MUTED, GRID, ...LINES].map(
    ([light, dark]) => `[fill="${light}"]{fill:${dark}}[stroke="${light}"]{stroke:${dark}}`,
  )
  const style = `<style>@media (prefers-color-scheme:dark){${rules.join('')}}</style>`
  return svg.replace(/^<svg[^>]*>/, (tag) => `${tag}\n<title>${title}</title>\n${style}`)
}

/** The whole SVG document. */
export function draw(plot: Plot, points: readonly Point[]): string {
  const names = inOrder(new Set(points.flatMap(({ trial }) => [...trial.servers.keys()])))
  const size = { width: WIDTH, height: HEIGHT }
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, ...size })
  chart.setOption(optionsOf(plot, points, names))
  const svg = chart.renderToSVGString()
  chart.dispose()
  return withSchemes(svg, plot.title)
}
