using System.CommandLine;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Provisioning.Puk;

/// <summary><c>puk-master list|rotate|export|import</c>, on the server's own machine.</summary>
internal static class PukMasterCommand
{
    private static readonly AuditEvent Actor = AuditEvent.OnThisMachine();

    public static Command Create()
    {
        var list = new Command("list", "Prints the versions: when each was made, and how many keys carry a PUK derived with it.");
        list.SetAction((_, cancel) => RunAsync(async (_, db) =>
        {
            foreach (var version in await PukMasters.ListAsync(db, cancel))
            {
                Console.WriteLine($"{version.Version}\t{version.CreatedAt:u}\t{version.Keys} keys{(version.Current ? "\tcurrent" : "")}");
            }
        }, cancel));
        var rotate = new Command("rotate", "Adds a version. Keys written from now on use it; the others keep theirs until they are next seen.");
        rotate.SetAction((_, cancel) => RunAsync(async (masters, db) =>
            Console.WriteLine($"Version {await masters.RotateAsync(db, Actor, cancel)} is current. Export it to where the backups do not lie."), cancel));
        return new Command("puk-master", "The secret that derived PUKs are made from; not the sealing key.") { list, rotate, Export(), Import() };
    }

    private static Command Export()
    {
        var (file, passphrase) = (File("Where to write it; must not exist."), Passphrase());
        var export = new Command("export", "Writes all versions to a file closed with a passphrase.") { file, passphrase };
        export.SetAction((parsed, cancel) => RunAsync(async (masters, db) =>
        {
            var words = ReadPassphrase(parsed.GetRequiredValue(passphrase));
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            await using var stream = new StreamWriter(parsed.GetRequiredValue(file).FullName, options);
            await stream.WriteLineAsync(await masters.ExportAsync(db, words, Actor, cancel));
            Console.WriteLine($"Written to {parsed.GetRequiredValue(file).Name}.");
        }, cancel));
        return export;
    }

    private static Command Import()
    {
        var (file, passphrase) = (File("The file that export wrote."), Passphrase());
        var import = new Command("import", "Adds the versions of such a file that are not here.") { file, passphrase };
        import.SetAction((parsed, cancel) => RunAsync(async (masters, db) =>
        {
            var text = await System.IO.File.ReadAllTextAsync(parsed.GetRequiredValue(file).FullName, cancel);
            Console.WriteLine($"{await masters.ImportAsync(db, text, ReadPassphrase(parsed.GetRequiredValue(passphrase)), Actor, cancel)} versions were added.");
        }, cancel));
        return import;
    }

    private static Argument<FileInfo> File(string what) => new("file") { Description = what };

    private static Option<FileInfo> Passphrase() => new("--passphrase-file")
    {
        Required = true,
        Description = $"A file with the passphrase on its first line, at least {PukMasters.PassphraseMin} characters.",
    };

    private static string ReadPassphrase(FileInfo file)
    {
        var words = System.IO.File.ReadLines(file.FullName).FirstOrDefault() ?? "";
        return words.Length >= PukMasters.PassphraseMin ? words
            : throw new InvalidOperationException($"The passphrase has fewer than {PukMasters.PassphraseMin} characters.");
    }

    private static Task<int> RunAsync(Func<PukMasters, OathDbContext, Task> work, CancellationToken cancel) => CommandHost.RunAsync(async (services, db) =>
    {
        await work(ActivatorUtilities.CreateInstance<PukMasters>(services), db);
        return 0;
    }, cancel);
}
