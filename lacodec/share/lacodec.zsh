#compdef lacodec
# Completion for zsh: lacodec system-file zsh > a file _lacodec in a folder of $fpath
_lacodec() {
    local -a verbs
    verbs=(
        'encode:make files small: FILE -> FILE.lac'
        'decode:bring files back: FILE.lac -> FILE'
        'encode-dataset:code all items of a data set; a run that was interrupted goes on'
        'decode-dataset:bring back a data set that encode-dataset coded'
        'select:select the documents of a pool that are most like a target'
        'select-frames:select the frames of videos that tell the most'
        'info:describe .lac files without decoding them'
        'test:check that .lac files are whole, without writing anything'
        'grep:print the lines of .lac files that match a pattern, without decoding the rest'
        'list:list the codecs, their options and the installed extras'
        'bench:compare our codecs with every installed compressor'
        'eval:measure codecs: rate-distortion curves of pictures and sound, bits per character of text, what models still see and hear'
        'tokenize:turn text into numbers of 16 or 32 bits that hold equal information, and back'
        'warmup:compile all kernels now, and say how long it took'
        'train:train a model, on your own data too'
        'system-file:print a file for your system: completion of a shell, magic, MIME type'
    )
    if (( CURRENT == 2 )); then
        _describe verb verbs
        return
    fi
    local verb=$words[2]
    (( CURRENT-- ))
    shift words
    case $verb in
        encode)
            _arguments '*:file:_files' \
                '-h[show this help message and exit]' \
                '--help[show this help message and exit]' \
                '-q[print only errors]' \
                '--quiet[print only errors]' \
                '-v[print more, with tracebacks of internal errors]' \
                '--verbose[print more, with tracebacks of internal errors]' \
                '-o[file or folder to write; - is standard output]:value:_files' \
                '--output[file or folder to write; - is standard output]:value:_files' \
                '-f[overwrite existing files; write to a terminal]' \
                '--force[overwrite existing files; write to a terminal]' \
                '--rm[remove each input once its output is safely written]' \
                '--json[print one JSON line per file]' \
                '--max-memory[memory limit, such as 512M or 2G]:value:_files' \
                '--threads[threads (default\: all cores)]:value:_files' \
                '--device[device for learned codecs]:value:(auto cpu cuda)' \
                '--codec[codec to use (default\: lossless, chosen by content; see lacodec list)]:value:_files' \
                '--verify[decode and compare before keeping a file (default\: yes)]' \
                '--no-verify[decode and compare before keeping a file (default\: yes)]' \
                '--follow[go on with what is appended to FILE, a log, until Ctrl-C]' \
                '--every[with --follow\: write new lines at least so often (default\: 60)]:value:_files' \
                '--effort[1 is fast, 9 is small]:value:_files' \
                '--base[model weights\: store differences to this file, or to the files in this folder]:value:_files' ;;
        decode)
            _arguments '*:file:_files' \
                '-h[show this help message and exit]' \
                '--help[show this help message and exit]' \
                '-q[print only errors]' \
                '--quiet[print only errors]' \
                '-v[print more, with tracebacks of internal errors]' \
                '--verbose[print more, with tracebacks of internal errors]' \
                '-o[file or folder to write; - is standard output]:value:_files' \
                '--output[file or folder to write; - is standard output]:value:_files' \
                '-f[overwrite existing files; write to a terminal]' \
                '--force[overwrite existing files; write to a terminal]' \
                '--rm[remove each input once its output is safely written]' \
                '--json[print one JSON line per file]' \
                '--max-memory[memory limit, such as 512M or 2G]:value:_files' \
                '--threads[threads (default\: all cores)]:value:_files' \
                '--device[device for learned codecs]:value:(auto cpu cuda)' \
                '--base[base\: the file that a file was stored as differences to, or its folder (repeatable)]:value:_files' \
                '--reference[base\: the file that a file was stored as differences to, or its folder (repeatable)]:value:_files' \
                '--salvage[write the intact parts of a damaged file (zeros for lost ranges)]' ;;
        encode-dataset)
            _arguments '*:file:_files' \
                '-h[show this help message and exit]' \
                '--help[show this help message and exit]' \
                '-q[print only errors]' \
                '--quiet[print only errors]' \
                '-v[print more, with tracebacks of internal errors]' \
                '--verbose[print more, with tracebacks of internal errors]' \
                '--engine[work on this machine (default), or on a Ray cluster (RAY_ADDRESS), with --threads workers]:value:(local ray)' \
                '--threads[threads (default\: all cores)]:value:_files' \
                '-o[folder or URL to write to]:value:_files' \
                '--output[folder or URL to write to]:value:_files' \
                '--on-error[leave out items that fail and name them (default), or stop]:value:(skip stop)' \
                '--json[print the result as a JSON line]' \
                '--codec[codec to use (default\: lossless, chosen by content; see lacodec list)]:value:_files' \
                '--field[SOURCE has .parquet and .jsonl tables\: code the values in this column]:value:_files' \
                '--shard-items[write tar shards of N files each, and an index]:value:_files' \
                '--dictionary[many small items share a dictionary\: auto (where that pays; default), none, or its size, such as 64K]:value:_files' \
                '--verify[decode and compare every item before keeping it (default\: yes)]' \
                '--no-verify[decode and compare every item before keeping it (default\: yes)]' \
                '--effort[1 is fast, 9 is small]:value:_files' ;;
        decode-dataset)
            _arguments '*:file:_files' \
                '-h[show this help message and exit]' \
                '--help[show this help message and exit]' \
                '-q[print only errors]' \
                '--quiet[print only errors]' \
                '-v[print more, with tracebacks of internal errors]' \
                '--verbose[print more, with tracebacks of internal errors]' \
                '-o[folder or URL to write to]:value:_files' \
                '--output[folder or URL to write to]:value:_files' \
                '--on-error[leave out items that fail and name them (default), or stop]:value:(skip stop)' \
                '--json[print the result as a JSON line]' \
                '--threads[threads (default\: all cores)]:value:_files' ;;
        select)
            _arguments '*:file:_files' \
                '-h[show this help message and exit]' \
                '--help[show this help message and exit]' \
                '-q[print only errors]' \
                '--quiet[print only errors]' \
                '-v[print more, with tracebacks of internal errors]' \
                '--verbose[print more, with tracebacks of internal errors]' \
                '--target[documents of the wanted kind (repeatable)]:value:_files' \
                '--share[part of the budget for each --target, in order]:value:_files' \
                '--budget[such as '\''10000 docs'\'', '\''5M tokens'\'' or 1GB of text]:value:_files' \
                '-o[folder to write to]:value:_files' \
                '--output[folder to write to]:value:_files' \
                '--field[column or key of the documents (default\: text)]:value:_files' \
                '--score[what ranks the documents (default\: bits)]:value:(bits dsir zipfit band perplexity diversity balanced random)' \
                '--score-codec[what zipfit and band compress with\: gzip (default), or a codec]:value:_files' \
                '--entries[phrases that balanced looks for, one a line]:value:_files' \
                '--cap[documents that balanced keeps for each entry, about]:value:_files' \
                '--epochs[random\: selections, each of other documents]:value:_files' \
                '--seed[for what is drawn by chance (default\: 0)]:value:_files' \
                '--keep-duplicates[exact and near duplicates may be selected]' \
                '--keep-leaks[documents that repeat parts of the target may be selected]' \
                '--on-error[leave out broken entries and name them (default), or stop]:value:(skip stop)' \
                '--json[print the result as a JSON line]' \
                '--engine[work on this machine (default), or on a Ray cluster (RAY_ADDRESS), with --threads workers]:value:(local ray)' \
                '--threads[threads (default\: all cores)]:value:_files' ;;
        select-frames)
            _arguments '*:file:_files' \
                '-h[show this help message and exit]' \
                '--help[show this help message and exit]' \
                '-q[print only errors]' \
                '--quiet[print only errors]' \
                '-v[print more, with tracebacks of internal errors]' \
                '--verbose[print more, with tracebacks of internal errors]' \
                '--frames[frames to select, of all videos together]:value:_files' \
                '-o[new folder to write to]:value:_files' \
                '--output[new folder to write to]:value:_files' \
                '--json[print the result as a JSON line]' ;;
        info)
            _arguments '*:file:_files' \
                '-h[show this help message and exit]' \
                '--help[show this help message and exit]' \
                '-q[print only errors]' \
                '--quiet[print only errors]' \
                '-v[print more, with tracebacks of internal errors]' \
                '--verbose[print more, with tracebacks of internal errors]' \
                '--json[print one JSON line per file]' ;;
        test)
            _arguments '*:file:_files' \
                '-h[show this help message and exit]' \
                '--help[show this help message and exit]' \
                '-q[print only errors]' \
                '--quiet[print only errors]' \
                '-v[print more, with tracebacks of internal errors]' \
                '--verbose[print more, with tracebacks of internal errors]' \
                '--json[print one JSON line per file]' \
                '--base[base\: the file that a file was stored as differences to, or its folder (repeatable)]:value:_files' \
                '--reference[base\: the file that a file was stored as differences to, or its folder (repeatable)]:value:_files' \
                '--threads[threads (default\: all cores)]:value:_files' \
                '--device[device for learned codecs]:value:(auto cpu cuda)' ;;
        grep)
            _arguments '*:file:_files' \
                '-h[show this help message and exit]' \
                '--help[show this help message and exit]' \
                '-q[print only errors]' \
                '--quiet[print only errors]' \
                '--verbose[print more, with tracebacks of internal errors]' \
                '-E[PATTERN is a regular expression, as it is without]' \
                '--extended-regexp[PATTERN is a regular expression, as it is without]' \
                '-F[PATTERN is a text]' \
                '--fixed-strings[PATTERN is a text]' \
                '--wildcards[in PATTERN, * stands for any bytes and ? for one]' \
                '-i[small and capital ASCII letters are the same]' \
                '--ignore-case[small and capital ASCII letters are the same]' \
                '-v[the lines that do not match]' \
                '--invert-match[the lines that do not match]' \
                '-n[with the number of each line]' \
                '--line-number[with the number of each line]' \
                '-c[only how many lines]' \
                '--count[only how many lines]' \
                '-l[only the names of files that have such lines]' \
                '--files-with-matches[only the names of files that have such lines]' \
                '-H[with the name of the file; usual with several files]' \
                '--with-filename[with the name of the file; usual with several files]' \
                '--no-filename[never with the name of the file]' \
                '--threads[threads (default\: all cores)]:value:_files' \
                '--device[device for learned codecs]:value:(auto cpu cuda)' ;;
        list)
            _arguments '*:file:_files' \
                '-h[show this help message and exit]' \
                '--help[show this help message and exit]' \
                '-q[print only errors]' \
                '--quiet[print only errors]' \
                '-v[print more, with tracebacks of internal errors]' \
                '--verbose[print more, with tracebacks of internal errors]' \
                '--json[print one JSON object instead of tables]' ;;
        bench)
            _arguments '*:file:_files' \
                '-h[show this help message and exit]' \
                '--help[show this help message and exit]' \
                '-q[print only errors]' \
                '--quiet[print only errors]' \
                '-v[print more, with tracebacks of internal errors]' \
                '--verbose[print more, with tracebacks of internal errors]' \
                '--codec[our codec to compare (default bytes)]:value:_files' \
                '--efforts[comma-separated efforts of our codec (default 1,3,5,9)]:value:_files' \
                '--peers[comma-separated names of peers, or '\''none'\'' (default\: all that are installed)]:value:_files' \
                '--threads[threads for our codec (default 1, like the peers)]:value:_files' \
                '--repeats[repetitions of runs of less than 0.25 s; the best one counts (default 3)]:value:_files' \
                '--per-file[print a table for each file, not only the total]' \
                '--json[print every measurement as a JSON line instead of tables]' ;;
        eval)
            _arguments '*:file:_files' \
                '-h[show this help message and exit]' \
                '--help[show this help message and exit]' \
                '-q[print only errors]' \
                '--quiet[print only errors]' \
                '-v[print more, with tracebacks of internal errors]' \
                '--verbose[print more, with tracebacks of internal errors]' ;;
        tokenize)
            _arguments '*:file:_files' \
                '-h[show this help message and exit]' \
                '--help[show this help message and exit]' \
                '-q[print only errors]' \
                '--quiet[print only errors]' \
                '-v[print more, with tracebacks of internal errors]' \
                '--verbose[print more, with tracebacks of internal errors]' \
                '-o[.npy or .arrow to write, or with --decode any file; - is standard output]:value:_files' \
                '--output[.npy or .arrow to write, or with --decode any file; - is standard output]:value:_files' \
                '--window-bits[16 (default) or 32]:value:(16 32)' \
                '--decode[turn numbers into text again]' \
                '--model[a model of `lacodec train text` (default\: the one that comes with lacodec)]:value:_files' \
                '-f[overwrite an existing file]' \
                '--force[overwrite an existing file]' ;;
        warmup)
            _arguments '*:file:_files' \
                '-h[show this help message and exit]' \
                '--help[show this help message and exit]' \
                '-q[print only errors]' \
                '--quiet[print only errors]' \
                '-v[print more, with tracebacks of internal errors]' \
                '--verbose[print more, with tracebacks of internal errors]' \
                '--json[print one JSON object]' ;;
        train)
            _arguments '*:file:_files' \
                '-h[show this help message and exit]' \
                '--help[show this help message and exit]' \
                '-q[print only errors]' \
                '--quiet[print only errors]' \
                '-v[print more, with tracebacks of internal errors]' \
                '--verbose[print more, with tracebacks of internal errors]' ;;
        system-file)
            _arguments '*:file:_files' \
                '-h[show this help message and exit]' \
                '--help[show this help message and exit]' \
                '-q[print only errors]' \
                '--quiet[print only errors]' \
                '-v[print more, with tracebacks of internal errors]' \
                '--verbose[print more, with tracebacks of internal errors]' ;;
    esac
}
compdef _lacodec lacodec
