// Colours of a terminal, for those who print to one. Pure but for what it asks of the terminal.
import { styleText } from 'node:util'

type Style = 'bold' | 'cyan' | 'dim' | 'green' | 'magenta' | 'red' | 'yellow'

/** Gives a text a colour, or leaves it alone. */
export type Paint = (style: Style, text: string) => string

const unpainted: Paint = (_, text) => text

/** The paint of a terminal; none where it has no colours, or NO_COLOR is set. */
export function paintOf(output: NodeJS.WriteStream): Paint {
  if (output.isTTY !== true || !output.hasColors()) return unpainted
  return (style, text) => styleText(style, text, { stream: output })
}
