// Light, dark, or as the system is: a choice that is kept. Style sheets go by the root's color-scheme.
import { find } from './element.ts'

const KEY = 'carillon-theme'

/** @param changed called when colours are others now, also those of the system */
export function startTheme(changed: () => void): void {
  const choice = find('theme', HTMLSelectElement)
  choice.value = localStorage.getItem(KEY) ?? 'auto'
  const apply = (): void => {
    document.documentElement.dataset['theme'] = choice.value
    changed()
  }
  choice.addEventListener('change', () => {
    localStorage.setItem(KEY, choice.value)
    apply()
  })
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed)
  apply()
}
