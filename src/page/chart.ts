// A live chart of the last minutes: a figure with its values as text, for eyes and for screen readers,
// and a uPlot below. It has its place before there is data.
import uPlot from 'uplot'
import { make, setText } from './element.ts'
import { timeOfDay, type Unit } from './figure.ts'

/** What a chart shows, in seconds. */
export const CHART_SECONDS = 300
/** At first, there is not as much to show. */
const CHART_SECONDS_MIN = 60
const HEIGHT_PX = 130
/** More lines than this have no value of their own as text, but the largest of all. */
const VALUES_MAX = 4
/** Lines are told apart without their colour, too. */
const DASHES: readonly number[][] = [[], [6, 3], [2, 2], [8, 3, 2, 3]]

export interface ChartSpec {
  readonly title: string
  readonly unit: Unit
  /** What lines there are: the name of each. */
  readonly lines: readonly string[]
  /** The least that the axis goes up to, so that noise does not look like much. */
  readonly least: number
}

/** A colour of the style sheet as the theme has it: a custom property is still a function. */
function colourOf(name: string, place: HTMLElement): string {
  place.style.color = `var(${name})`
  const { color } = getComputedStyle(place)
  place.style.color = ''
  return color
}

export class Chart {
  readonly element: HTMLElement
  readonly #spec: ChartSpec
  readonly #plot: HTMLElement
  readonly #values: readonly HTMLElement[]
  readonly #note = make('span', { className: 'note' })
  #uplot: uPlot | undefined
  #data: (number | null)[][]

  constructor(spec: ChartSpec) {
    this.#spec = spec
    this.#data = [[], ...spec.lines.map(() => [])]
    const named = spec.lines.length > VALUES_MAX ? ['at most'] : spec.lines
    this.#values = named.map(() => make('b', {}, '–'))
    const keys = named.map((name, line) => this.#key(name, line))
    this.#plot = make('div', { className: 'plot' })
    this.#plot.role = 'img'
    const caption = make(
      'figcaption',
      {},
      make('span', { className: 'title' }, spec.title),
      this.#note,
      make('span', { className: 'values' }, ...keys),
    )
    this.element = make('figure', { className: 'chart' }, caption, this.#plot)
    this.#label()
  }

  #key(name: string, line: number): HTMLElement {
    const value = this.#values[line] as HTMLElement
    if (this.#spec.lines.length === 1) return make('span', {}, value)
    if (this.#values.length === 1) return make('span', {}, `${name} `, value)
    const mark = make('i', { className: `mark line-${line % DASHES.length}` })
    return make('span', {}, mark, `${name} `, value)
  }

  /** Seconds of Unix time, and of each line its values; null where there is none. */
  show(times: readonly number[], lines: readonly (readonly (number | null)[])[], note = ''): void {
    this.#data = [[...times], ...lines.map((values) => [...values])]
    const { unit } = this.#spec
    const last = lines.map((values) => values.at(-1) ?? null)
    const known = last.filter((value) => value !== null)
    const most = known.length === 0 ? null : Math.max(...known)
    const isCrowd = last.length > VALUES_MAX
    for (const [line, element] of this.#values.entries()) {
      const value = isCrowd ? most : (last[line] ?? null)
      setText(element, value === null ? '–' : unit.text(value))
    }
    setText(this.#note, note)
    this.#label()
    if (this.#uplot === undefined) this.#draw()
    else this.#uplot.setData(this.#data as uPlot.AlignedData)
  }

  /** Draws it anew: its width or the colours are others. */
  redraw(): void {
    this.#uplot?.destroy()
    this.#uplot = undefined
    if (this.#data[0]?.length) this.#draw()
  }

  resize(): void {
    const width = this.#plot.clientWidth
    if (width > 0 && width !== this.#uplot?.width)
      this.#uplot?.setSize({ width, height: HEIGHT_PX })
  }

  #label(): void {
    const { title, unit, lines } = this.#spec
    const parts = lines.slice(0, VALUES_MAX).map((name, line) => {
      const values = this.#data[line + 1]?.filter((value) => value !== null) ?? []
      const last = this.#data[line + 1]?.at(-1) ?? null
      if (values.length === 0 || last === null) return `${name}: no value`
      const most = values.reduce((one, other) => Math.max(one, other))
      return `${name}: ${unit.text(last)} now, at most ${unit.text(most)} in five minutes`
    })
    this.#plot.ariaLabel = `${title}. ${parts.join('; ')}`
  }

  #draw(): void {
    const { unit, lines, least } = this.#spec
    const place = this.#plot
    const grid = { stroke: colourOf('--grid', place), width: 1 }
    const axis = {
      stroke: colourOf('--faint', place),
      font: '11px system-ui',
      grid,
      ticks: { show: false },
    }
    const options: uPlot.Options = {
      width: this.#plot.clientWidth,
      height: HEIGHT_PX,
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: true, range: (_, min, max) => [Math.min(min, max - CHART_SECONDS_MIN), max] },
        y: { range: (_, __, max) => [0, Math.max(least, (max ?? 0) * 1.1)] },
      },
      axes: [
        { ...axis, size: 22, space: 70, values: (_, ticks) => clockTexts(ticks) },
        {
          ...axis,
          size: 56,
          space: 28,
          values: (_, ticks) => ticks.map(unit.tick),
          ...(unit.steps && { incrs: unit.steps }),
        },
      ],
      series: [
        {},
        ...lines.map((_, line) => ({
          stroke: colourOf(`--line-${line % DASHES.length}`, place),
          dash: DASHES[line % DASHES.length] ?? [],
          width: 1.5,
          points: { show: false },
        })),
      ],
    }
    this.#uplot = new uPlot(options, this.#data as uPlot.AlignedData, this.#plot)
  }
}

/** With seconds where ticks are less than a minute apart. */
function clockTexts(unixSeconds: readonly number[]): string[] {
  const hasSeconds = unixSeconds.some((time) => time % 60 !== 0)
  return unixSeconds.map((time) => {
    const text = timeOfDay(time)
    return hasSeconds ? text : text.slice(0, -3)
  })
}
