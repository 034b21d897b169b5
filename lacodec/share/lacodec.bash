# Completion for bash: lacodec system-file bash > ~/.local/share/bash-completion/completions/lacodec
_lacodec() {
    local words current="${COMP_WORDS[COMP_CWORD]}"
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "encode decode encode-dataset decode-dataset select select-frames info test grep list bench eval tokenize warmup train system-file --help --version" -- "$current")
        return
    fi
    case "${COMP_WORDS[1]}" in
        encode) words="-h --help -q --quiet -v --verbose -o --output -f --force --rm --json --max-memory --threads --device --codec --verify --no-verify --follow --every --effort --base" ;;
        decode) words="-h --help -q --quiet -v --verbose -o --output -f --force --rm --json --max-memory --threads --device --base --reference --salvage" ;;
        encode-dataset) words="-h --help -q --quiet -v --verbose --engine --threads -o --output --on-error --json --codec --field --shard-items --dictionary --verify --no-verify --effort" ;;
        decode-dataset) words="-h --help -q --quiet -v --verbose -o --output --on-error --json --threads" ;;
        select) words="-h --help -q --quiet -v --verbose --target --share --budget -o --output --field --score --score-codec --entries --cap --epochs --seed --keep-duplicates --keep-leaks --on-error --json --engine --threads" ;;
        select-frames) words="-h --help -q --quiet -v --verbose --frames -o --output --json" ;;
        info) words="-h --help -q --quiet -v --verbose --json" ;;
        test) words="-h --help -q --quiet -v --verbose --json --base --reference --threads --device" ;;
        grep) words="-h --help -q --quiet --verbose -E --extended-regexp -F --fixed-strings --wildcards -i --ignore-case -v --invert-match -n --line-number -c --count -l --files-with-matches -H --with-filename --no-filename --threads --device" ;;
        list) words="-h --help -q --quiet -v --verbose --json" ;;
        bench) words="-h --help -q --quiet -v --verbose --codec --efforts --peers --threads --repeats --per-file --json" ;;
        eval) words="-h --help -q --quiet -v --verbose" ;;
        tokenize) words="-h --help -q --quiet -v --verbose -o --output --window-bits --decode --model -f --force" ;;
        warmup) words="-h --help -q --quiet -v --verbose --json" ;;
        train) words="-h --help -q --quiet -v --verbose" ;;
        system-file) words="-h --help -q --quiet -v --verbose" ;;
        *) words="" ;;
    esac
    if [[ "$current" == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    fi
}
complete -o default -F _lacodec lacodec
