/** Figures: what becomes of cases, what sensors and edges measured, and the report of a month. The address says what is shown. */
import { useWords } from '../i18n';
import '../styles/shift.css';
import { navigate } from '../router';
import type { PageProps } from '../routes';
import { Link, useTitle } from '../ui/bits';
import { IndicatorsView } from './indicators';
import { ReportPage } from './report';
import { SeriesView } from './seriesview';

/** The query of the address, and a way to change parts of it; an empty part goes. */
export interface Query {
  get: (name: string) => string;
  set: (parts: Readonly<Record<string, string>>) => void;
}

function queryOf(params: URLSearchParams): Query {
  return {
    get: (name) => params.get(name) ?? '',
    set: (parts) => {
      const next = new URLSearchParams(params);
      for (const [name, value] of Object.entries(parts)) {
        if (value === '') next.delete(name);
        else next.set(name, value);
      }
      const text = next.toString();
      navigate(`/figures${text ? `?${text}` : ''}`, true);
    },
  };
}

export function FiguresPage({ place, params: [report] }: PageProps) {
  return report ? <ReportPage month={place.query.get('month') ?? ''} grid={place.query.get('grid') ?? ''} /> : <Figures params={place.query} />;
}

function Figures({ params }: { params: URLSearchParams }) {
  const words = useWords();
  useTitle(words.t('figures.title'));
  const query = queryOf(params);
  const series = query.get('view') === 'series';
  return (
    <section class="page figures" aria-labelledby="figures-title">
      <div class="page-head">
        <h1 id="figures-title">{words.t('figures.title')}</h1>
        <nav class="segments" aria-label={words.t('figures.title')}>
          <Link href="/figures" class="segment segment-link" testid="figures-cases" current={!series}>{words.t('figures.cases')}</Link>
          <Link href="/figures?view=series" class="segment segment-link" testid="figures-series" current={series}>{words.t('figures.series')}</Link>
        </nav>
        <span class="spacer" />
        <Link href="/figures/report" class="button" testid="figures-report">{words.t('figures.report')}</Link>
      </div>
      {series ? <SeriesView query={query} /> : <IndicatorsView query={query} />}
    </section>
  );
}
