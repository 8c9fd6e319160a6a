-- The sums over all grids, and of each grid over all units and classes, of what was counted before they were kept.

-- +goose Up

DELETE FROM counts WHERE period >= 'A' AND period < 'B' OR period >= 'G' AND period < 'H';
INSERT INTO counts (measure, exercise, period, grid, unit, class, n)
  SELECT measure, exercise, 'A' || period, '', unit, class, sum(n) FROM counts GROUP BY 1, 2, 3, 5, 6
  UNION ALL SELECT measure, exercise, 'G' || period, grid, '', '', sum(n) FROM counts GROUP BY 1, 2, 3, 4;
