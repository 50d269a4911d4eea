// What is read anew only while somebody looks at it.

const REFRESH_MS = 2000

/**
 * Calls `due` when one of these comes into view, and every REFRESH_MS as long as one is and the tab is
 * seen.
 */
export function whileSeen(places: readonly Element[], due: () => void): void {
  const seen = new Set<Element>()
  const dueIfSeen = (): void => {
    if (seen.size > 0 && !document.hidden) due()
  }
  const observer = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting) seen.add(target)
      else seen.delete(target)
    }
    dueIfSeen()
  })
  for (const place of places) observer.observe(place)
  setInterval(dueIfSeen, REFRESH_MS)
}
