from bertnotes.cli import main

main()
