/** What servers answer: our API, as docs/api.md has it, and the parts of Airflow's own that the page reads. */

export type Position = [longitude: number, latitude: number];
export type Ring = Position[];
export type Geometry = { type: "Polygon"; coordinates: Ring[] } | { type: "MultiPolygon"; coordinates: Ring[][] };

export type Status =
  | "computed"
  | "no_scene"
  | "cloudy"
  | "shadow"
  | "snow"
  | "no_data"
  | "undefined"
  | "outside_extent"
  | "too_small"
  | "failed";
/** A day without a row and a day that is not due have a status, too. */
export type CellStatus = Status | "missing" | "not_due";

export interface Session {
  user: string;
  may_upload: boolean;
  may_review: boolean;
  may_recompute: boolean;
  /** Template of background tiles; null is a map without. */
  tiles_url: string | null;
  tiles_attribution: string;
  start_date: string;
  last_day: string;
}

export interface Extent {
  type: "Feature";
  geometry: Geometry;
}

export interface Field {
  id: string;
  properties: FieldStatus;
}

/** One field in full resolution. */
export interface FieldFeature extends Field {
  geometry: Geometry;
}

/** A season of a field, and the days of it up to now. */
export interface SeasonStatus {
  /** Its name. */
  season: string;
  plant_type: string;
  plant_date: string;
  end_date: string | null;
  /** Days that should have an answer. */
  days: number;
  counts: Record<Status, number>;
  missing: number;
  ndvi_mean: number | null;
  /** Of the last computed day. */
  last_value: number | null;
  last_date: string | null;
  /** Of the newest day with a scene; without any, of the newest day. */
  last_status: Status | null;
  last_reason: string | null;
}

/** A field with the status of its present season. */
export interface FieldStatus extends SeasonStatus {
  field_id: string;
  /** All, in the order of time. */
  seasons: SeasonStatus[];
}

/** What is computed of a field's season. */
export interface FieldSeason {
  season: string;
  plant_type: string;
  plant_date: string;
  end_date: string | null;
  /** By name; empty while nothing is computed. */
  indices: Record<string, SeasonFigures>;
}

/** Why a day is not known; empty if it is. */
export type Reason = "" | "too_few_values" | "not_over" | "no_amplitude" | "no_rise" | "no_fall" | "gap";

/** An index in a season. */
export interface SeasonFigures {
  first_day: string;
  last_day: string;
  /** Observations that count. */
  values: number;
  outliers: number;
  latest_day: string | null;
  latest: number | null;
  start: string | null;
  start_reason: Reason;
  peak: string | null;
  peak_reason: Reason;
  peak_value: number | null;
  end: string | null;
  end_reason: Reason;
  /** Days from start to end. */
  length: number | null;
  /** Earlier seasons of the field and crop with a value on that day since planting; how many per cent were lower. */
  crop_history_count: number;
  crop_history_percentile: number | null;
  /** Robust z against the fields of the crop and year; null with too few of them. */
  peers_z: number | null;
}

/** The days of a season in an index: an item a day in each list. */
export interface DailySeries {
  day: string[];
  smoothed: (number | null)[];
  /** Standard errors of the smoothed values. */
  error: (number | null)[];
  outlier: boolean[];
  provisional: boolean[];
  /** Far from all observations that count. */
  gap: boolean[];
  /** Seasons of the crop and year with a value on the same day since planting, and what is usual among them. */
  peers_count: number[];
  peers_median: (number | null)[];
  peers_mad: (number | null)[];
}

/** Something unusual in a season. */
export interface FieldEvent {
  event_id: string;
  kind: "drop" | "green_up" | "harvest_candidate" | "below_peers" | "no_value";
  field_id: string;
  season: string;
  plant_type: string;
  first_day: string;
  last_day: string;
  value: number | null;
  before: number | null;
  change: number | null;
  status: "open" | "closed" | "withdrawn";
  /** The observations that it rests on: day and fingerprint. */
  evidence: [string, string][];
  /** What people last said of it. */
  dismissed: boolean;
  note: string | null;
  reviewed_by: string | null;
  reviewed_at: string | null;
}

/** What is new of all fields: columns of equal length, in the order of registration. */
export interface StandingColumns {
  field_id: string[];
  season: string[];
  plant_type: string[];
  plant_date: string[];
  area_ha: number[];
  last_date: (string | null)[];
  last_value: (number | null)[];
  before_date: (string | null)[];
  before_value: (number | null)[];
  change: (number | null)[];
  /** Of the latest smoothed value, which the next ones are of. */
  peers_date: (string | null)[];
  peers_count: number[];
  peers_median: (number | null)[];
  peers_z: (number | null)[];
  /** Place by z, 1 is the highest; of so many. */
  rank: (number | null)[];
  ranked: number[];
}

/** What says which of the things that were loaded are out of date. */
export interface Revisions {
  /** Another one after any change of a field or season. */
  fields: string;
  count: number;
  last_day: string;
  /** How often rows of a day were written, where they were. */
  days: Record<string, number>;
  /** Another one after seasons were computed or an event was reviewed. */
  seasons: string;
}

/** What is known of a field's day, and where it comes from. */
export interface Observation {
  field_id: string;
  date: string;
  status: Status;
  /** Why there is no value. */
  reason: string | null;
  ndvi_mean: number | null;
  ndvi_std: number | null;
  /** Null if no pixel was looked at. */
  valid_fraction: number | null;
  /** Named doubts about the numbers. */
  quality: string[];
  /** What the doubts are about. */
  note: string | null;
  /** The indices other than NDVI that have numbers. */
  indices: Record<string, { mean: number | null; std: number | null }>;
  acquired_at: string | null;
  platform: string | null;
  relative_orbit: number | null;
  scene_ids: string[];
  baseline: string | null;
  offset_rule: string | null;
  mask_policy: string;
  algorithm_version: string;
  geometry_hash: string;
  fingerprint: string;
}

/** An index that observations have. */
export interface Index {
  name: string;
  title: string;
  formula: string;
  /** Metres. */
  resolution: number;
  /** The values at the ends of its scale. */
  range: [number, number];
  /** From the lower to the upper end, evenly spaced, as `#rrggbb`. */
  colours: string[];
}

/** Rings in columns and rows of a raster, which begin at its upper left corner. */
export type Outline = [column: number, row: number][][];

/** The values of a raster, each pixel weighted by the share of it that the field covers. */
export interface PixelStatistics {
  /** Sum of these shares. */
  pixels: number;
  mean: number;
  p2: number;
  p98: number;
}

/** How many pixels have which values. */
export interface Histogram {
  /** Lower edge of the first bin. */
  start: number;
  /** Of each bin. */
  width: number;
  pixels: number[];
}

/** The pixels of a field on a day, or the difference of two days. */
export interface PixelsAnswer {
  day: string;
  /** The day whose values were taken away. */
  minus: string | null;
  epsg: number;
  /** From columns and rows to the CRS: x is a c + b r + c, y is d c + e r + f. */
  transform: [number, number, number, number, number, number];
  width: number;
  height: number;
  /** float32, little-endian, in base64. */
  values: string;
  outline: Outline;
  statistics: PixelStatistics | null;
  histogram: Histogram | null;
}

/** A zone of a field. */
export interface ZoneEntry {
  /** 1 is the lowest. */
  zone: number;
  mean: number;
  area_ha: number;
}

/** The zones of a field. */
export interface ZonesAnswer {
  /** Of which they are made. */
  days: string[];
  /** Days on another grid or of another boundary. */
  left_out: string[];
  zones: ZoneEntry[];
  width: number;
  height: number;
  /** The zone of each pixel as a byte, in base64; 0 is outside the field. */
  classes: string;
  outline: Outline;
}

/** Where an overlay lies. */
export interface Corners {
  top_left: Position;
  top_right: Position;
  bottom_right: Position;
  bottom_left: Position;
}

/** A scene that there is a true-colour picture of. */
export interface Pictured {
  day: string;
  scene_id: string;
}

/** What the picture of a scene shows, and where it lies. */
export interface PassPicture {
  scene_id: string;
  tile: string;
  time: string;
  updated: string | null;
  extent: string | null;
  corners: Corners;
}

/** What the intake would make of a file. */
export interface Checked {
  fields: { type: "FeatureCollection"; features: CheckedField[] };
  problems: Problem[];
  /** How many fields are new or change, and which days become due. */
  summary: string;
}

export interface CheckedField {
  type: "Feature";
  id: string;
  geometry: Geometry;
  properties: {
    field_id: string;
    plant_type: string;
    plant_date: string;
    end_date: string | null;
    /** Name of the season that it states. */
    season: string;
    effect: Effect;
    /** What would become another, for a person. */
    changes: string[];
    /** Days that would become due. */
    days: number;
    /** Whether it waits until somebody confirms it. */
    waits: boolean;
  };
}

export type Effect = "new" | "changed" | "unchanged";

export interface Problem {
  /** From 0; null is the whole file. */
  feature: number | null;
  id: string | null;
  where: string;
  message: string;
  /** Whether the field is registered all the same. */
  registered: boolean;
}

/** Of Airflow. */
export interface Dag {
  is_paused: boolean;
}
export interface DagRun {
  dag_run_id: string;
  state: "queued" | "running" | "success" | "failed";
}
export interface TaskInstances {
  task_instances: { map_index: number; state: string | null }[];
}
