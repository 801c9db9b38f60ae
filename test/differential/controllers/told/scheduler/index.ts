// What a scheduler says when nothing fits, where it puts what does, and whom it makes room for.
import type { Story } from '../../stories.ts';
import { choiceStories } from './choices.ts';
import { deviceStories } from './devices.ts';
import { featureStories } from './features.ts';
import { placeStories } from './places.ts';
import { preemptionStories } from './preemption.ts';
import { volumeStories } from './volumes.ts';

export const schedulerStories: readonly Story[] = [
  ...placeStories,
  ...choiceStories,
  ...volumeStories,
  ...preemptionStories,
  ...deviceStories,
  ...featureStories,
];
