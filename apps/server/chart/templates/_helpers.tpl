{{- define "talon.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- /* 52 characters: a StatefulSet puts a hash of its revision behind its name, into a label of 63. */ -}}
{{- define "talon.fullname" -}}
{{- $name := include "talon.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- .Values.fullnameOverride | default $full | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "talon.selector" -}}
app.kubernetes.io/name: {{ include "talon.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "talon.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "talon.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "talon.serviceAccount" -}}
{{- if not (or .Values.serviceAccount.create .Values.serviceAccount.name) -}}
{{- /* Each pod of the namespace that names no account runs as `default`. */ -}}
{{- fail "serviceAccount.create is false: name the account that gets the role, by serviceAccount.name" -}}
{{- end -}}
{{- .Values.serviceAccount.name | default (include "talon.fullname" .) -}}
{{- end -}}

{{- /* Names without a namespace carry it: two releases of one name do not meet. */ -}}
{{- define "talon.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "talon.fullname" .) -}}
{{- end -}}

{{- /* Two releases in one namespace have two leaders. */ -}}
{{- define "talon.leaseName" -}}
{{- .Values.config | dig "deduplication" "lease" "name" "" | default (include "talon.fullname" .) -}}
{{- end -}}

{{- define "talon.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /*
Rules files in the order in which they are read. The first and the last are always there, though they may be empty: the config
file stays as it is then, and no pod restarts, when rules are written into them. No name of a ConfigMap holds a `_`: no two
files are the same.
*/ -}}
{{- define "talon.rulesFiles" -}}
- /etc/falco-talon/starter.yaml
{{- range $map := .Values.rules.configMaps }}
{{- range .keys }}
- {{ printf "/etc/falco-talon/%s_%s" $map.name . | quote }}
{{- end }}
{{- end }}
- /etc/falco-talon/rules.yaml
{{- end -}}

{{- define "talon.config" -}}
{{- if not (or .Values.rules.starter .Values.rules.inline .Values.rules.configMaps) -}}
{{- fail "there are no rules: set rules.starter, rules.inline or rules.configMaps" -}}
{{- end -}}
{{- range list "listen_port" "shutdown_timeout" -}}
{{- if not (hasKey $.Values.config .) -}}
{{- fail (printf "config.%s is null, and the pods are made by it: give it a value, or leave it out" .) -}}
{{- end -}}
{{- end -}}
{{- $own := dict "rules_files" (include "talon.rulesFiles" . | fromYamlArray) -}}
{{- if .Values.config.deduplication | default dict | dig "leader_election" true -}}
{{- $_ := set $own "deduplication" (dict "lease" (dict "name" (include "talon.leaseName" .))) -}}
{{- end -}}
{{- with include "talon.clients" . | fromYamlArray -}}
{{- $_ := set $own "auth" (dict "clients" .) -}}
{{- end -}}
{{- if .Values.tls.secretName -}}
{{- $tls := dict "cert_file" "/run/talon-tls/tls.crt" "key_file" "/run/talon-tls/tls.key" -}}
{{- if .Values.tls.clientCa -}}
{{- $_ := set $tls "client_ca_file" "/run/talon-tls/ca.crt" -}}
{{- end -}}
{{- $_ := set $own "tls" $tls -}}
{{- end -}}
{{- mustMergeOverwrite (deepCopy .Values.config) (deepCopy .Values.extraConfig) $own | toYaml -}}
{{- end -}}

{{- define "talon.clients" -}}
{{- with .Values.auth }}
{{- if .enabled }}
- name: {{ .sender | quote }}
  roles: [send]
  password_file: /run/talon/auth.sender
- name: {{ .scraper | quote }}
  roles: [read]
  token_file: /run/talon/auth.scraper
- name: {{ .operator | quote }}
  roles: [read, act]
  token_file: /run/talon/auth.operator
{{- end }}
{{- range $index, $client := .clients }}
{{- $written := omit $client "password" "token" "secret" }}
{{- range $way := list "password" "token" "secret" }}
{{- if hasKey $client $way }}
{{- $_ := set $written (printf "%s_file" $way) (printf "/run/talon/auth.%d.%s" $index $way) }}
{{- end }}
{{- end }}
- {{ toJson $written }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "talon.secretName" -}}
{{- .Values.existingSecret | default (include "talon.fullname" .) -}}
{{- end -}}

{{- /* Settings that are read from files, with the Secret and the key that each comes from. */ -}}
{{- define "talon.settingSecrets" -}}
{{- $shared := dict "name" (include "talon.secretName" .) "key" "deduplication-secret" -}}
{{- merge (deepCopy .Values.secrets) (dict "deduplication.secret" $shared) | toYaml -}}
{{- end -}}

{{- /* Files below /run/talon, likewise. */ -}}
{{- define "talon.secretFiles" -}}
{{- $files := include "talon.settingSecrets" . | fromYaml -}}
{{- if .Values.auth.enabled -}}
{{- $_ := set $files "auth.sender" (dict "name" (include "talon.secretName" .) "key" "sender-password") -}}
{{- $_ := set $files "auth.scraper" (dict "name" (include "talon.secretName" .) "key" "scraper-token") -}}
{{- $_ := set $files "auth.operator" (dict "name" (include "talon.secretName" .) "key" "operator-token") -}}
{{- end -}}
{{- range $index, $client := .Values.auth.clients -}}
{{- range $way := list "password" "token" "secret" -}}
{{- with get $client $way -}}
{{- $_ := set $files (printf "auth.%d.%s" $index $way) . -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $files -}}
{{- end -}}

{{- /* The role that the rules need. Only the starter rules' is known here: for others `talon rbac` prints it. */ -}}
{{- define "talon.role" -}}
{{- if .Values.rbac.role -}}
{{- $role := .Values.rbac.role | fromYaml -}}
{{- if not (and (has $role.kind (list "Role" "ClusterRole")) $role.rules) -}}
{{- fail "rbac.role is no role: give it what `talon rbac -c config.yaml -r rules.yaml` prints, without --bind" -}}
{{- end -}}
{{- .Values.rbac.role -}}
{{- else if or .Values.rules.inline .Values.rules.configMaps (not .Values.rules.starter) -}}
{{- fail "these rules need a role of their own: talon rbac -c config.yaml -r rules.yaml > role.yaml, then --set-file rbac.role=role.yaml (or rbac.create=false, and a role of yours)" -}}
{{- else -}}
{{- .Files.Get "files/role.yaml" -}}
{{- end -}}
{{- end -}}
