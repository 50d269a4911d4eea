// The admin page under load, in Chromium, light and dark: of a sandbox with an audience, after minutes
// in which its charts filled.
import { setTimeout as sleep } from 'node:timers/promises'
import { launchChromium } from '../../test/kit/browser.ts'
import { Audience } from './audience.ts'
import { Sandbox } from './sandbox.ts'

const SIZE = { width: 1280, height: 1030 }

export interface Shot {
  readonly theme: 'light' | 'dark'
  readonly png: Uint8Array
}

/** @param seconds how long the charts fill */
export async function adminShots(seconds: number): Promise<readonly Shot[]> {
  const sandbox = await Sandbox.start()
  const audience = new Audience(sandbox.port)
  const browser = await launchChromium()
  try {
    const open = async (theme: Shot['theme']): Promise<() => Promise<Shot>> => {
      const page = await browser.newPage({ colorScheme: theme, viewport: SIZE })
      await page.goto(`http://127.0.0.1:${sandbox.port}/admin/`)
      return async () => ({ theme, png: await page.screenshot() })
    }
    const takers = [await open('light'), await open('dark')]
    await sleep(seconds * 1000)
    return await Promise.all(takers.map((take) => take()))
  } finally {
    await browser.close()
    audience.close()
    await sandbox.stop()
  }
}
