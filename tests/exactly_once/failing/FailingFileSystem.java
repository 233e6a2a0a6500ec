import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Paths;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/**
 * Hadoop's local file system, of which one call fails: `fs.file.impl` names it.
 *
 * <p>FAULT_OF_HADOOP is `N HOME COUNTER`: the N-th call on a path below HOME fails. Calls are counted in the file
 * COUNTER, a byte a call; COUNTER.met tells which one failed.
 */
public class FailingFileSystem extends LocalFileSystem {
  private static final String[] FAULT = System.getenv("FAULT_OF_HADOOP").split(" ");
  private static long calls = 0;

  private static synchronized void count(String what, Path path) throws IOException {
    String place = path.toUri().getPath();
    if (!place.startsWith(FAULT[1] + "/")) {
      return;
    }
    try (FileOutputStream counter = new FileOutputStream(FAULT[2], true)) {
      counter.write('.');
    }
    calls++;
    if (calls == Long.parseLong(FAULT[0])) {
      Files.writeString(Paths.get(FAULT[2] + ".met"), what + " " + place);
      throw new IOException("'" + place + "': Input/output error");
    }
  }

  @Override
  public FSDataInputStream open(Path path, int bufferSize) throws IOException {
    count("open", path);
    return super.open(path, bufferSize);
  }

  @Override
  public FSDataOutputStream create(
      Path path,
      FsPermission permission,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    count("create", path);
    return super.create(path, permission, overwrite, bufferSize, replication, blockSize, progress);
  }

  @Override
  public boolean rename(Path from, Path to) throws IOException {
    count("rename", to);
    return super.rename(from, to);
  }

  @Override
  public boolean mkdirs(Path path, FsPermission permission) throws IOException {
    count("mkdirs", path);
    return super.mkdirs(path, permission);
  }
}
