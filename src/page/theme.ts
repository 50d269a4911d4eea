// Light, dark, or as the system is: a choice that is kept. Style sheets go by the root's color-scheme.
import { find } from './element.ts'
import { Keep } from './keep.ts'

/** @param changed called when colours are others now, also those of the system */
export function startTheme(changed: () => void): void {
  const choice = find('theme', HTMLSelectElement)
  const kept = new Keep('carillon-theme', () => localStorage)
  choice.value = kept.value ?? 'auto'
  const apply = (): void => {
    document.documentElement.dataset['theme'] = choice.value
    changed()
  }
  choice.addEventListener('change', () => {
    kept.value = choice.value
    apply()
  })
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed)
  apply()
}
