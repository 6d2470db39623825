#!/bin/sh
# Writes .env: .env.example with a fresh secret wherever a value is empty. Never overwrites one.
set -eu
cd "$(dirname "$0")/../.."
umask 077

if [ -e .env ]; then
    echo "there is a .env already; its secrets open the data, so it stays as it is" >&2
    exit 1
fi

while IFS= read -r line; do
    case $line in
    OTKLIK_MASTER_KEY=) line=$line$(head -c 32 /dev/urandom | base64) ;;
    [A-Z]*=) line=$line$(head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n') ;;
    esac
    printf '%s\n' "$line"
done <.env.example >.env.new
mv .env.new .env
echo "wrote .env" >&2
