// The kinds of options: what the table says of each, the type of its value, and the table's units.

export const KIB = 1024
export const MIB = 1024 * KIB

interface Spec {
  /** One sentence for --help and the docs: meaning, and what happens at the bound. */
  readonly doc: string
  /** Overrides the environment variable, by default CARILLON_ and the name in capitals. */
  readonly env?: string
}

interface IntegerSpec extends Spec {
  readonly kind: 'integer'
  readonly min: number
  readonly max: number
  readonly default: number | ((env: NodeJS.ProcessEnv) => number)
  /** What the docs say where the default is computed. */
  readonly defaultDoc?: string
}

interface ChoiceSpec extends Spec {
  readonly kind: 'choice'
  readonly choices: readonly string[]
  readonly default: string
}

interface SwitchSpec extends Spec {
  readonly kind: 'switch'
  readonly default: boolean
}

interface TextSpec extends Spec {
  readonly kind: 'text'
  readonly default: string | ((env: NodeJS.ProcessEnv) => string)
  readonly defaultDoc?: string
  /** What a text must be besides not empty, and how to tell. */
  readonly check?: (text: string) => boolean
  readonly textDoc?: string
  /** An empty text is none. */
  readonly isOptional?: boolean
  /** For a text that may hold a password: how to show it in an error. */
  readonly redact?: (text: string) => string
}

interface ListSpec extends Spec {
  readonly kind: 'list'
  readonly default: readonly string[]
  /** Tells whether one item can be used, and what an item must be. */
  readonly check: (item: string) => boolean
  readonly itemDoc: string
  /** Its items are shown to nobody. */
  readonly isSecret?: boolean
}

/** A list of objects: typed in the file and for programs, JSON in flags and variables. */
interface RecordsSpec<R = object> extends Spec {
  readonly kind: 'records'
  readonly default: readonly R[]
  /** What is wrong with one item, in words; undefined where nothing is. */
  readonly check: (item: unknown) => string | undefined
  readonly itemDoc: string
}

export type OptionSpec = IntegerSpec | ChoiceSpec | SwitchSpec | TextSpec | ListSpec | RecordsSpec

/** The type of an option's value. */
export type ValueOf<S> = S extends { kind: 'integer' }
  ? number
  : S extends { kind: 'switch' }
    ? boolean
    : S extends { kind: 'list' }
      ? readonly string[]
      : S extends { kind: 'records'; default: infer R }
        ? R
        : S extends { kind: 'choice'; choices: readonly (infer C)[] }
          ? C
          : string
