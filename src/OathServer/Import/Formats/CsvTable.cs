using System.Text.Unicode;
using CsvHelper;

namespace OathServer.Import.Formats;

/// <summary>Rows of separated values (RFC 4180), field by field as UTF-8 octets: a secret need not become a string.
/// Blanks around fields are left out, and so are empty lines and <c>#</c> comments.</summary>
internal sealed class CsvTable : IDisposable
{
    /// <summary>Octets of one row; a quotation mark that is never closed ends here.</summary>
    private const int RowMax = 16 * 1024;

    private readonly CsvReader reader;

    public CsvTable(Stream stream, char separator) => reader = CsvReader.Create(
        stream,
        new CsvReaderOptions
        {
            Separator = separator,
            HasHeader = false,
            CommentPrefix = '#',
            TrimWhitespace = true,
            MaxRecordSize = RowMax,
            TrackLineNumbers = true,
            IncludeValuesInExceptions = false,
            MalformedData = CsvMalformedDataHandling.Throw,
            FieldCountMismatch = CsvFieldCountHandling.Allow,
            DetectSeparatorHint = false,
        },
        leaveOpen: true);

    /// <summary>The line the row starts on, counted from 1.</summary>
    public int Line { get; private set; }

    /// <summary>How many fields the row has.</summary>
    public int Count => reader.FieldCount;

    /// <summary>Moves to the next row that has anything in it.</summary>
    /// <exception cref="ImportRefusedException">Not a table, or not text.</exception>
    public bool Read()
    {
        try
        {
            while (reader.Read())
            {
                Line = (int)reader.LineNumber;
                // A remark may stand further in than the first column of the line.
                if (!IsBlank() && !Octets(0).StartsWith("#"u8))
                {
                    return true;
                }
            }

            return false;
        }
        catch (CsvFormatException fault)
        {
            var line = (int)fault.LineNumber;
            throw new ImportRefusedException(Fault.BadRow, $"line {line}: this cannot be read as separated values; is a quotation mark out of place?", line: line);
        }
    }

    /// <summary>How many fields the row has up to the last that is not empty.</summary>
    public int Filled
    {
        get
        {
            var count = reader.FieldCount;
            while (count > 0 && reader.GetSpan(count - 1).Length == 0)
            {
                count--;
            }

            return count;
        }
    }

    /// <summary>The octets of a field; empty when the row is shorter.</summary>
    public ReadOnlySpan<byte> Octets(int index) => index < reader.FieldCount ? reader.GetSpan(index) : [];

    /// <summary>The text of a field; empty when the row is shorter.</summary>
    public string Text(int index)
    {
        var octets = Octets(index);
        return Utf8.IsValid(octets)
            ? System.Text.Encoding.UTF8.GetString(octets)
            : throw new ImportRefusedException(Fault.BadRow, $"line {Line}: this is not UTF-8 text.", line: Line);
    }

    /// <summary>The text of a field, or null when it is empty or not there.</summary>
    public string? TextOrNull(int index) => Text(index) is { Length: > 0 } text ? text : null;

    private bool IsBlank()
    {
        for (var i = 0; i < reader.FieldCount; i++)
        {
            if (reader.GetSpan(i).Length > 0)
            {
                return false;
            }
        }

        return true;
    }

    public void Dispose() => reader.Dispose();
}
