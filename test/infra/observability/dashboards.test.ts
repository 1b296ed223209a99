import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../../infra/observability/canonical.ts';
import { dashboardJson, dashboardsOf } from '../../../infra/observability/dashboards.ts';
import { tierNames } from '../../../infra/tiers.ts';
import { environmentFor } from '../support/component.ts';

type Tile = { width: number; height: number; xPos?: number; yPos?: number; widget: { title: string; xyChart: object } };

describe('dashboards', () => {
  test.each(tierNames)('%s: the text is canonical, so that a second up finds no difference', (tier) => {
    const environment = environmentFor({ tier });
    for (const dashboard of dashboardsOf(environment)) {
      const text = dashboardJson(dashboard, environment);
      expect(canonicalJson(JSON.parse(text))).toBe(text);
      expect(dashboardJson(dashboard, environment)).toBe(text);
      expect(text).not.toContain('null');
    }
  });

  test('tiles cover the grid without overlap, and a zero is left out as Google leaves it out', () => {
    const environment = environmentFor({ tier: 'prod' });
    for (const dashboard of dashboardsOf(environment)) {
      const { mosaicLayout } = JSON.parse(dashboardJson(dashboard, environment)) as {
        mosaicLayout: { columns: number; tiles: Tile[] };
      };
      expect(mosaicLayout.tiles).toHaveLength(dashboard.tiles.length);
      const places = mosaicLayout.tiles.map(({ xPos = 0, yPos = 0 }) => `${xPos},${yPos}`);
      expect(new Set(places).size).toBe(places.length);
      for (const { xPos, yPos, width } of mosaicLayout.tiles) {
        expect((xPos ?? 0) + width).toBeLessThanOrEqual(mosaicLayout.columns);
        expect(xPos).not.toBe(0);
        expect(yPos).not.toBe(0);
      }
    }
  });

  test('every chart says what Google would add by itself', () => {
    const environment = environmentFor({ tier: 'prod' });
    const [path] = dashboardsOf(environment);
    if (path === undefined) throw new Error('no dashboard');
    const { mosaicLayout } = JSON.parse(dashboardJson(path, environment)) as { mosaicLayout: { tiles: Tile[] } };
    for (const { widget } of mosaicLayout.tiles)
      expect(widget.xyChart).toMatchObject({
        chartOptions: { mode: 'COLOR' },
        yAxis: { scale: 'LINEAR' },
        dataSets: expect.arrayContaining([expect.objectContaining({ plotType: 'LINE', targetAxis: 'Y1' })]),
      });
  });

  test.each(tierNames)('%s: no chart has an empty text, which Google would leave out', (tier) => {
    const environment = environmentFor({ tier });
    for (const dashboard of dashboardsOf(environment)) {
      const { mosaicLayout } = JSON.parse(dashboardJson(dashboard, environment)) as { mosaicLayout: { tiles: Tile[] } };
      // Inside a query's own text there may be a pair of quotes; those are escaped.
      expect(JSON.stringify(mosaicLayout)).not.toMatch(/:(""|\[\]|\{\}|0[,}])/);
    }
  });

  test('canonical JSON does not depend on the order of keys, and keeps the value', () => {
    void fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const turned = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(turned)).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
