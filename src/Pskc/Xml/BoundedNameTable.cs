using System.Xml;

namespace Pskc.Xml;

/// <summary>A name table that a file of a million different names cannot grow without end.</summary>
internal sealed class BoundedNameTable : XmlNameTable
{
    private const int MaxChars = 1 << 20;

    private readonly NameTable names = new();
    private int chars;

    public override string Add(char[] array, int offset, int length) =>
        names.Get(array, offset, length) ?? Grown(names.Add(array, offset, length));

    public override string Add(string array) => names.Get(array) ?? Grown(names.Add(array));

    public override string? Get(char[] array, int offset, int length) => names.Get(array, offset, length);

    public override string? Get(string array) => names.Get(array);

    private string Grown(string name)
    {
        chars += name.Length + 16;
        return chars <= MaxChars
            ? name
            : throw new PskcException(PskcFault.LimitExceeded, "The file uses too many different names for elements " +
                "and attributes. A key container has a few dozen; this is not one.");
    }
}
