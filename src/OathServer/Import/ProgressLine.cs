namespace OathServer.Import;

/// <summary>How far long work is, on one line of standard error; where that is no terminal, a line as a stage begins and
/// ends.</summary>
internal sealed class ProgressLine
{
    private readonly Lock turn = new();
    private string? stage;
    private int width;

    public void Show(ImportProgress progress) => Show(KebabNames.Of(progress.Stage), progress.Keys, progress.Percent);

    public void Show(string doing, int keys, int? percent)
    {
        lock (turn)
        {
            var text = $"{doing}: {keys} keys{(percent is null ? "" : $", {percent} %")}";
            if (!Console.IsErrorRedirected)
            {
                Console.Error.Write("\r" + text.PadRight(width));
                width = text.Length;
            }
            else if (stage != doing || percent is 100)
            {
                Console.Error.WriteLine(text);
            }

            stage = doing;
        }
    }

    public void Clear()
    {
        lock (turn)
        {
            if (width > 0)
            {
                Console.Error.Write("\r" + new string(' ', width) + "\r");
                width = 0;
            }
        }
    }
}
