/** The renditions of a video as status shows them: of its plan, with the files that were made. Pure. */
import { parseClass } from '../../protocol/capability.ts'
import { packagePath, pictureName } from '../../protocol/package.ts'
import type { RenditionPlan } from '../../protocol/plan.ts'
import type { RenditionId } from '../../protocol/rendition.ts'
import type { PlannedRendition } from '../../protocol/status-encodes.ts'
import type { Video } from '../../protocol/video.ts'

/** The file or folder of a rendition in a package, where no other is made. */
const inPackage = (id: RenditionId): string[] => ['', '.mp4'].map((end) => packagePath(`${pictureName(id)}${end}`))

/** The renditions of a plan. `seconds`: length of the source. */
export function plannedRenditions(
  renditions: readonly RenditionPlan[],
  { outputs }: Pick<Video, 'outputs'>,
  seconds: number,
): PlannedRendition[] {
  return renditions.map(({ id, width, height, codec, preset, rate, bit_depth, profile, class: of }) => {
    const bytes = outputs.find(({ path }) => path.startsWith(`${id}/`) || inPackage(id).includes(path))?.bytes ?? null
    return {
      ...{ id, width, height, codec, preset, rate, bit_depth },
      ...(profile !== undefined && { profile }),
      encoder: parseClass(of)?.encoder ?? codec,
      bytes,
      kbps: bytes === null || seconds <= 0 ? null : Math.round((bytes * 8) / seconds / 1000),
    }
  })
}
