#!/bin/sh
# Lets kube-score judge every overlay; fails on anything critical. Called by `make deploy-check`.
set -eu
cd "$(dirname "$0")/../.."
version=v1.20.0
bin=$(pwd)/.cache/bin
score=$bin/kube-score-$version

if [ ! -x "$score" ]; then
    if ! command -v go >/dev/null 2>&1; then
        echo "kube-score is built with Go: install Go 1.23 or newer and try again" >&2
        exit 1
    fi
    mkdir -p "$bin"
    GOBIN=$bin go install "github.com/zegl/kube-score/cmd/kube-score@$version"
    mv "$bin/kube-score" "$score"
fi

failed=0
for overlay in deploy/k8s/overlays/*/; do
    built=$(.venv/bin/kubectl kustomize "$overlay")
    said=$(printf '%s\n' "$built" \
        | "$score" score --output-format ci --kubernetes-version v1.30 -) || failed=1
    printf '%s: %s critical, %s warnings, %s well\n' "$overlay" \
        "$(printf '%s\n' "$said" | grep -c '^\[CRITICAL\]' || true)" \
        "$(printf '%s\n' "$said" | grep -c '^\[WARNING\]' || true)" \
        "$(printf '%s\n' "$said" | grep -c '^\[OK\]' || true)"
    printf '%s\n' "$said" | grep -E '^\[(CRITICAL|WARNING)\]' | sed 's/^/  /' || true
done
exit $failed
