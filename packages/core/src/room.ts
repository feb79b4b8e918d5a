import { PRIORITIES, type Event } from '@talon/plugin'

/** Of a journal's room, the part that is kept for events of priority Critical and above. */
const RESERVE = 0.1
const URGENT = PRIORITIES.indexOf('Critical')

/** How much of its room a journal gives to such an event: a tenth is kept for Critical and above. */
export function roomFor({ priority }: Pick<Event, 'priority'>, room: number): number {
  return PRIORITIES.indexOf(priority) >= URGENT ? room : Math.floor(room * (1 - RESERVE))
}
