{{- define "central.name" -}}{{ .Release.Name | trunc 50 | trimSuffix "-" }}-central{{- end }}
{{- define "central.selector" -}}
app.kubernetes.io/name: gridgate-central
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "central.labels" -}}
{{ include "central.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}
{{- define "central.config" -}}
listen: 0.0.0.0:8420
data: /var/lib/gridgate-central
public_url: {{ .Values.publicURL }}
{{- with .Values.trustedProxies }}
trusted_proxies: {{ toJson . }}
{{- end }}
tls: {cert: /run/gridgate/tls/tls.crt, key: /run/gridgate/tls/tls.key}
store:
  kind: postgres
  url: postgres://{{ .Values.postgres.user }}@{{ .Values.postgres.host }}:{{ .Values.postgres.port | default 5432 }}/{{ .Values.postgres.database }}?sslmode=verify-full{{ if .Values.postgres.ca.secret }}&sslrootcert=/run/gridgate/postgres-ca/{{ .Values.postgres.ca.key }}{{ end }}
  password: {file: /run/gridgate/postgres/{{ .Values.postgres.passwordSecret.key }}}
tsdb:
  kind: influx
  url: {{ .Values.tsdb.url }}
  bucket: {{ .Values.tsdb.bucket }}
  {{- with .Values.tsdb.org }}
  org: {{ . }}
  {{- end }}
  {{- if .Values.tsdb.tokenSecret.name }}
  token: {file: /run/gridgate/tsdb/{{ .Values.tsdb.tokenSecret.key }}}
  {{- end }}
{{- with .Values.config }}
{{ toYaml . }}
{{- end }}
{{- end }}
