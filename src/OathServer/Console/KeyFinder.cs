using OathServer.Provisioning;
using SecurityKeys.Cards;

namespace OathServer.Pages;

/// <summary>Finds a key in the readers and looks at it: nothing is written, no try of any PIN is spent.</summary>
internal sealed class KeyFinder(KeyReaders readers)
{
    /// <summary>Every reader that holds a key, with the key's CUID where it can be read.</summary>
    public List<(string Reader, string? Cuid)> All() =>
        [.. readers.List().Where(r => r.HasKey).Select(r => (r.Name, Open(r.Name, card => CuidReading.Read(card)?.Text)))];

    /// <summary>What this key says of itself; null when it is in none of the readers.</summary>
    public KeyLook? Look(string cuid) => readers.List().Where(r => r.HasKey)
        .Select(r => Open(r.Name, card => CuidReading.Offered(card).Any(c => c.Text == cuid) ? KeyLook.Read(card) : null))
        .FirstOrDefault(look => look is not null);

    private T? Open<T>(string reader, Func<ISmartCardConnection, T?> read) where T : class
    {
        try
        {
            using var session = readers.Open(reader);
            return session is null ? null : read(session.Card);
        }
        catch (SmartCardException)
        {
            return null;
        }
    }
}
